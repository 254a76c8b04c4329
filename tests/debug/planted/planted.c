// SPDX-License-Identifier: GPL-2.0
/*
 * Faults of each kind that the debug kernel is there to find, one for each name written to the parameter `fault`; and
 * parameters that keep what is written, and go wrong where there is no memory for it.
 * A tier that finds nothing is believed only because it finds these.
 */
#include <linux/delay.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/workqueue.h>

static DEFINE_SPINLOCK(one);
static DEFINE_SPINLOCK(other);
static DEFINE_SPINLOCK(spin);
static int __rcu *shared;
static void *volatile lost;

static void use_after_free(void)
{
	volatile char *text = kmalloc(64, GFP_KERNEL);

	kfree((void *)text);
	text[3] = 1;
}

static void out_of_bounds(void)
{
	volatile char *text = kmalloc(60, GFP_KERNEL);

	text[60] = 1;
	kfree((void *)text);
}

static void sleep_in_atomic(void)
{
	spin_lock(&spin);
	msleep(1);
	spin_unlock(&spin);
}

static void sleep_in_reader(void)
{
	rcu_read_lock();
	might_sleep();
	rcu_read_unlock();
}

static void inverted_locks(void)
{
	spin_lock(&one);
	spin_lock(&other);
	spin_unlock(&other);
	spin_unlock(&one);
	spin_lock(&other);
	spin_lock(&one);
	spin_unlock(&one);
	spin_unlock(&other);
}

static void unprotected_reader(void)
{
	if (rcu_dereference(shared))
		pr_info("planted: something is shared\n");
}

static void expired(struct timer_list *timer)
{
}

static void pending_timer_freed(void)
{
	struct timer_list *timer = kmalloc(sizeof(*timer), GFP_KERNEL);

	timer_setup(timer, expired, 0);
	mod_timer(timer, jiffies + 1000 * HZ);
	kfree(timer);
}

static void released_twice(void)
{
	refcount_t count = REFCOUNT_INIT(1);

	if (refcount_dec_and_test(&count) && refcount_dec_and_test(&count))
		pr_info("planted: never\n");
}

static void leak(void)
{
	int round;

	for (round = 0; round < 10; round++)
		lost = kmalloc(77, GFP_KERNEL);
	lost = NULL;
}

static const struct {
	const char *name;
	void (*make)(void);
} faults[] = {
	{ "use_after_free", use_after_free },
	{ "out_of_bounds", out_of_bounds },
	{ "sleep_in_atomic", sleep_in_atomic },
	{ "sleep_in_reader", sleep_in_reader },
	{ "pending_timer_freed", pending_timer_freed },
	{ "released_twice", released_twice },
	{ "leak", leak },
	{ "unprotected_reader", unprotected_reader },
	{ "inverted_locks", inverted_locks },
};

static int make_fault(const char *name, const struct kernel_param *parameter)
{
	int index;

	for (index = 0; index < ARRAY_SIZE(faults); index++) {
		if (sysfs_streq(name, faults[index].name)) {
			faults[index].make();
			return 0;
		}
	}
	return -EINVAL;
}

static const struct kernel_param_ops operations = { .set = make_fault };
module_param_cb(fault, &operations, NULL, 0200);
MODULE_PARM_DESC(fault, "the name of a fault, which is made at once");

static char *kept;

/* Keeps a copy of @text, and for no reason memory besides. */
static int keep(const char *text, bool leaks, bool ignores)
{
	void *besides = kmalloc(77, GFP_KERNEL);
	char *copy;

	if (!besides)
		return -ENOMEM;
	copy = kstrdup(text, GFP_KERNEL);
	if (!copy && ignores) {
		kfree(besides);
		return 0;
	}
	if (!copy && leaks)
		return -ENOMEM;
	kfree(besides);
	if (!copy)
		return -ENOMEM;
	kfree(kept);
	kept = copy;
	return 0;
}

static int keep_well(const char *text, const struct kernel_param *parameter)
{
	return keep(text, false, false);
}

static int keep_and_lose(const char *text, const struct kernel_param *parameter)
{
	return keep(text, true, false);
}

static int keep_or_not(const char *text, const struct kernel_param *parameter)
{
	return keep(text, false, true);
}

static int show_kept(char *buffer, const struct kernel_param *parameter)
{
	return sysfs_emit(buffer, "%s", kept ?: "nothing\n");
}

static const struct kernel_param_ops well = { .set = keep_well, .get = show_kept };
static const struct kernel_param_ops leaking = { .set = keep_and_lose, .get = show_kept };
static const struct kernel_param_ops ignoring = { .set = keep_or_not, .get = show_kept };
module_param_cb(well, &well, NULL, 0600);
module_param_cb(leaking, &leaking, NULL, 0600);
module_param_cb(ignoring, &ignoring, NULL, 0600);
MODULE_PARM_DESC(well, "is kept, or refused");
MODULE_PARM_DESC(leaking, "is kept, or refused, and then memory is lost");
MODULE_PARM_DESC(ignoring, "is kept, or not, and nobody is told");

static int __init planted_init(void)
{
	return 0;
}
module_init(planted_init);

static void __exit planted_exit(void)
{
	kfree(kept);
}
module_exit(planted_exit);

MODULE_DESCRIPTION("Faults that checkers must find");
MODULE_LICENSE("GPL");
