// SPDX-License-Identifier: GPL-2.0
#include <linux/spinlock.h>

#include "../helpers.h"

void ipvs_helper_spin_lock_bh(struct spinlock *lock)
{
	spin_lock_bh(lock);
}

bool ipvs_helper_spin_trylock_bh(struct spinlock *lock)
{
	return spin_trylock_bh(lock);
}

void ipvs_helper_spin_unlock_bh(struct spinlock *lock)
{
	spin_unlock_bh(lock);
}
