// SPDX-License-Identifier: GPL-2.0
#include <linux/workqueue.h>

#include "../helpers.h"

/* All items initialised here are of one lockdep class. */
void ipvs_helper_init_delayed_work(struct delayed_work *work, void (*function)(struct work_struct *work))
{
	INIT_DELAYED_WORK(work, function);
}

/* Likewise. */
void ipvs_helper_init_work(struct work_struct *work, void (*function)(struct work_struct *work))
{
	INIT_WORK(work, function);
}

/* A workqueue whose items are done on the CPU that they are queued on, by a thread or in a bottom half. */
struct workqueue_struct *ipvs_helper_new_workqueue(const char *name, bool bottom_half)
{
	return alloc_workqueue("%s", WQ_PERCPU | (bottom_half ? WQ_BH : 0), 0, name);
}
