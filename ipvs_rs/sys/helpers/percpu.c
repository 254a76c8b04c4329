// SPDX-License-Identifier: GPL-2.0
#include <linux/cpuhotplug.h>
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

/* While the caller stays on this CPU. */
void *ipvs_helper_this_cpu_ptr(void *base)
{
	return this_cpu_ptr((void __percpu *)(uintptr_t)base);
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

/* The CPUs that were online at any time since they are watched. */
static struct cpumask known;
static bool watching;

static int cpu_comes(unsigned int cpu)
{
	cpumask_set_cpu(cpu, &known);
	return 0;
}

/* Keeps account of CPUs from now on, before they run anything. Returns what unwatch_cpus() wants, or an error. */
int ipvs_helper_watch_cpus(void)
{
	int state = cpuhp_setup_state(CPUHP_BP_PREPARE_DYN, "net/ipvs:known", cpu_comes, NULL);

	if (state >= 0)
		WRITE_ONCE(watching, true);
	return state;
}

/* When this has returned, nobody calls cpu_comes(). */
void ipvs_helper_unwatch_cpus(int state)
{
	WRITE_ONCE(watching, false);
	cpuhp_remove_state(state);
}

/*
 * The first CPU behind @last (-1 to begin) that is or was online, or a number >= nr_cpu_ids. Many more are possible in
 * most virtual machines; all of these as long as nobody watches.
 */
unsigned int ipvs_helper_next_known_cpu(int last)
{
	unsigned int cpu = cpumask_next(last, cpu_possible_mask);

	if (READ_ONCE(watching))
		while (cpu < nr_cpu_ids && !cpumask_test_cpu(cpu, &known))
			cpu = cpumask_next(cpu, cpu_possible_mask);
	return cpu;
}
