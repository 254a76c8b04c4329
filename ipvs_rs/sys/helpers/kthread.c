// SPDX-License-Identifier: GPL-2.0
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/wait.h>

#include "../helpers.h"

/* Lets the current kernel thread sleep until *@called is not 0, it is to stop, or the time is up. */
void ipvs_helper_kthread_sleep(struct wait_queue_head *queue, const u32 *called, unsigned long ticks)
{
	wait_event_interruptible_timeout(*queue, READ_ONCE(*called) || kthread_should_stop(), ticks);
}

/* Wakes the kernel thread that sleeps there. */
void ipvs_helper_wake_up(struct wait_queue_head *queue)
{
	wake_up_interruptible(queue);
}

/* The priority of the current task, from -20 to 19. */
int ipvs_helper_current_nice(void)
{
	return task_nice(current);
}

/* Lets others run, if it is their turn. May sleep. */
void ipvs_helper_relax(void)
{
	cond_resched();
}
