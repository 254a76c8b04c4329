// SPDX-License-Identifier: GPL-2.0

//! As knet's, with loom's locks.

/// There are no softirqs here, so it is a lock as any other.
pub type SpinLockBh<T> = crate::sync::Mutex<T>;

pub use crate::new_mutex as new_spinlock_bh;
