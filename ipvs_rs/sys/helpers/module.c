// SPDX-License-Identifier: GPL-2.0
#include <linux/minmax.h>
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

/*
 * The values of the module's parameter @name, and their number, or NULL if it has none of that name that is an array of
 * unsigned short. They are there as long as the module, and change only if user space may write them.
 */
const u16 *ipvs_helper_ushort_parameters(struct module *module, const char *name, unsigned int *count)
{
	const struct kernel_param *one = module->kp;
	const struct kernel_param *end = one + module->num_kp;

	for (; one < end; one++) {
		if (one->ops != &param_array_ops || strcmp(one->name, name) || one->arr->ops != &param_ops_ushort)
			continue;
		*count = one->arr->num ? min(*one->arr->num, one->arr->max) : one->arr->max;
		return one->arr->elem;
	}
	return NULL;
}
