// SPDX-License-Identifier: GPL-2.0
#include <linux/spinlock.h>

#include "../helpers.h"

/*
 * As spin_lock_bh(). A softirq is interrupted by no other one on its CPU before it has returned, whatever it calls, so there is
 * nothing to keep off. Returns whether they had to be kept off, for spin_unlock_bh().
 */
bool ipvs_helper_spin_lock_bh(struct spinlock *lock)
{
	if (in_serving_softirq()) {
		spin_lock(lock);
		return false;
	}
	spin_lock_bh(lock);
	return true;
}

bool ipvs_helper_spin_trylock_bh(struct spinlock *lock)
{
	return spin_trylock_bh(lock);
}

/* @keeps_off: what spin_lock_bh() returned, or true after spin_trylock_bh(). */
void ipvs_helper_spin_unlock_bh(struct spinlock *lock, bool keeps_off)
{
	if (keeps_off)
		spin_unlock_bh(lock);
	else
		spin_unlock(lock);
}
