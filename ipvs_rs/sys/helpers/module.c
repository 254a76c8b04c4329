// SPDX-License-Identifier: GPL-2.0
#include <linux/module.h>

#include "../helpers.h"

/* Makes this module stay for good: something of it was leaked that the kernel may still call. */
void ipvs_helper_pin_this_module(void)
{
	__module_get(THIS_MODULE);
}
