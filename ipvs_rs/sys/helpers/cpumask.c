// SPDX-License-Identifier: GPL-2.0
#include <linux/bitmap.h>
#include <linux/cpumask.h>
#include <linux/sched.h>
#include <linux/sched/isolation.h>

#include "../helpers.h"

size_t ipvs_helper_cpumask_size(void)
{
	return cpumask_size();
}

/* The CPUs that kernel threads are meant to run on. */
void ipvs_helper_cpumask_of_kernel_threads(struct cpumask *mask)
{
	cpumask_copy(mask, housekeeping_cpumask(HK_TYPE_KTHREAD));
}

/* Reads a list like 0-3,5, and takes out those that the current task may not run on. */
int ipvs_helper_cpumask_parse(const char *text, struct cpumask *mask)
{
	int error = bitmap_parselist(text, cpumask_bits(mask), nr_cpumask_bits);

	if (!error)
		cpumask_and(mask, mask, current->cpus_ptr);
	return error;
}

int ipvs_helper_cpumask_print(char *text, size_t size, const struct cpumask *mask)
{
	return scnprintf(text, size, "%*pbl", cpumask_pr_args(mask));
}

/* The first online CPU of the mask, or nr_cpu_ids and more. */
unsigned int ipvs_helper_cpumask_first_online(const struct cpumask *mask)
{
	return cpumask_first_and(mask, cpu_online_mask);
}
