// SPDX-License-Identifier: GPL-2.0
#include <linux/bottom_half.h>
#include <linux/interrupt.h>
#include <linux/workqueue.h>

#include "../helpers.h"

/* All items initialised here are of one lockdep class. */
void ipvs_helper_init_delayed_work(struct delayed_work *work, void (*function)(struct work_struct *work))
{
	INIT_DELAYED_WORK(work, function);
}

/* A workqueue whose items are done on the CPU that they are queued on, by a thread. */
struct workqueue_struct *ipvs_helper_new_workqueue(const char *name)
{
	return alloc_workqueue("%s", WQ_PERCPU, 0, name);
}

/* Whether @tasklet was idle, and now is the caller's, who gives it to __tasklet_schedule(). */
bool ipvs_helper_claim_tasklet(struct tasklet_struct *tasklet)
{
	return !test_and_set_bit(TASKLET_STATE_SCHED, &tasklet->state);
}

void ipvs_helper_local_bh_disable(void)
{
	local_bh_disable();
}

void ipvs_helper_local_bh_enable(void)
{
	local_bh_enable();
}
