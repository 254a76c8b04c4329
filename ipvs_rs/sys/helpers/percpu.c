// SPDX-License-Identifier: GPL-2.0
#include <linux/cpumask.h>
#include <linux/percpu.h>

#include "../helpers.h"

static u64 __percpu *per_cpu_u64(void *counter)
{
	return (u64 __percpu *)(uintptr_t)counter;
}

void *ipvs_helper_per_cpu_ptr(void *base, unsigned int cpu)
{
	return per_cpu_ptr((void __percpu *)(uintptr_t)base, cpu);
}

/* Safe in any context: one instruction where the machine has it. */
void ipvs_helper_this_cpu_add(void *counter, u64 amount)
{
	this_cpu_add(*per_cpu_u64(counter), amount);
}

/* Adds to @counter and to the one behind it. */
void ipvs_helper_this_cpu_add_pair(void *counter, u64 first, u64 second)
{
	this_cpu_add(*per_cpu_u64(counter), first);
	this_cpu_add(*(per_cpu_u64(counter) + 1), second);
}

/* The first possible CPU behind @last (-1 to begin), or a number >= nr_cpu_ids. */
unsigned int ipvs_helper_next_possible_cpu(int last)
{
	return cpumask_next(last, cpu_possible_mask);
}

/*
 * The first CPU behind @last (-1 to begin) that is or was part of the machine, or a number >= nr_cpu_ids. Many more are
 * possible in most virtual machines.
 */
unsigned int ipvs_helper_next_known_cpu(int last)
{
	static struct cpumask known;

	if (last < 0)
		cpumask_or(&known, &known, cpu_present_mask);
	return cpumask_next(last, &known);
}
