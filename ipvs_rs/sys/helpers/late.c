// SPDX-License-Identifier: GPL-2.0
#include <linux/bug.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/workqueue.h>

#include "../helpers.h"

#ifndef CONFIG_PREEMPT_COUNT
#error "A kernel without CONFIG_PREEMPT_COUNT does not know whether it may sleep."
#endif

static struct workqueue_struct *queue;

/* To be called before any value can be dropped late. Fails if it was called before (-EBUSY). May sleep. */
int ipvs_helper_open_late(void)
{
	struct workqueue_struct *made = alloc_workqueue("knet_late", WQ_UNBOUND, 0);

	if (!made)
		return -ENOMEM;
	if (cmpxchg(&queue, NULL, made)) {
		destroy_workqueue(made);
		return -EBUSY;
	}
	return 0;
}

/* Waits for what was given to drop_late() before. Nothing may be given to it any more. May sleep. */
void ipvs_helper_close_late(void)
{
	destroy_workqueue(queue);
	queue = NULL;
}

bool ipvs_helper_may_sleep(void)
{
	return preemptible() && !rcu_preempt_depth();
}

static void drop_it(struct work_struct *work)
{
	struct late *late = container_of(work, struct late, work);

	late->drop(late);
}

/* Lets a thread call @drop, which may free @late. For any context. One drop may wait for another. */
void ipvs_helper_drop_late(struct late *late, void (*drop)(struct late *late))
{
	if (WARN_ON_ONCE(!queue))
		return;
	late->drop = drop;
	INIT_WORK(&late->work, drop_it);
	queue_work(queue, &late->work);
}

/* Waits until what was given to drop_late() before has been dropped. May sleep. */
void ipvs_helper_flush_late(void)
{
	flush_workqueue(queue);
}
