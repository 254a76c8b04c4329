// SPDX-License-Identifier: GPL-2.0
#include <linux/llist.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/workqueue.h>

#include "../helpers.h"

static LLIST_HEAD(waiting);

static void drop_waiting(struct work_struct *work)
{
	struct llist_node *first = llist_reverse_order(llist_del_all(&waiting));
	struct late *late, *next;

	llist_for_each_entry_safe(late, next, first, node) {
		late->drop(late);
		cond_resched();
	}
}

static DECLARE_WORK(dropping, drop_waiting);

/* Whether the caller is known to be allowed to sleep. A kernel that does not count what forbids it never says so. */
bool ipvs_helper_may_sleep(void)
{
	return preemptible() && !rcu_preempt_depth();
}

/* Lets a thread call @drop, which may free @late. For any context. */
void ipvs_helper_drop_late(struct late *late, void (*drop)(struct late *late))
{
	late->drop = drop;
	if (llist_add(&late->node, &waiting))
		schedule_work(&dropping);
}

/* Waits until what was given to drop_late() before has been dropped. May sleep. */
void ipvs_helper_flush_late(void)
{
	flush_work(&dropping);
}
