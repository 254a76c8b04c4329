// SPDX-License-Identifier: GPL-2.0
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/string.h>

#include "../helpers.h"

/* Makes this module stay for good: something of it was leaked that the kernel may still call. */
void ipvs_helper_pin_this_module(void)
{
	__module_get(THIS_MODULE);
}

/* This module's parameter @name, or NULL if it has none of that name that is an int. It is there as long as the module. */
int *ipvs_helper_int_parameter(const char *name)
{
	const struct kernel_param *one = THIS_MODULE->kp;
	const struct kernel_param *end = one + THIS_MODULE->num_kp;

	for (; one < end; one++)
		if (one->ops == &param_ops_int && !strcmp(one->name, name))
			return one->arg;
	return NULL;
}
