// SPDX-License-Identifier: GPL-2.0
#include <linux/workqueue.h>

#include "../helpers.h"

/* All items initialised here are of one lockdep class. */
void ipvs_helper_init_delayed_work(struct delayed_work *work, void (*function)(struct work_struct *work))
{
	INIT_DELAYED_WORK(work, function);
}
