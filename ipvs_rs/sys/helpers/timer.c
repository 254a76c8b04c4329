// SPDX-License-Identifier: GPL-2.0
#include <linux/sched/task_stack.h>
#include <linux/timer.h>

#include "../helpers.h"

/* What looks at timers knows the stacks of tasks, not that of softirqs. */
void ipvs_helper_timer_init_somewhere(struct timer_list *timer, void (*function)(struct timer_list *), const char *name,
				      struct lock_class_key *key)
{
	if (object_is_on_stack(timer))
		timer_init_key_on_stack(timer, function, 0, name, key);
	else
		timer_init_key(timer, function, 0, name, key);
}
