// SPDX-License-Identifier: GPL-2.0
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/string.h>

#include "../helpers.h"

/* The module's parameter @name, or NULL if it has none of that name that is an int. It is there as long as the module. */
int *ipvs_helper_int_parameter(struct module *module, const char *name)
{
	const struct kernel_param *one = module->kp;
	const struct kernel_param *end = one + module->num_kp;

	for (; one < end; one++)
		if (one->ops == &param_ops_int && !strcmp(one->name, name))
			return one->arg;
	return NULL;
}
