// SPDX-License-Identifier: GPL-2.0

//! A spin lock that keeps softirqs off this CPU while it is held.
//!
//! For data that packet processing changes and that process context changes too.
//!
//! C header: [`include/linux/spinlock.h`](srctree/include/linux/spinlock.h)

use ipvs_sys as bindings;
use kernel::{
    ffi::c_char,
    sync::lock::{Backend, Lock},
};

/// A spin lock taken with `spin_lock_bh`.
pub type SpinLockBh<T> = Lock<T, SpinLockBhBackend>;

/// The backend of [`SpinLockBh`].
pub struct SpinLockBhBackend;

/// Creates a [`SpinLockBh`] initialiser, with a lock class of its own.
#[macro_export]
macro_rules! new_spinlock_bh {
    ($inner:expr, $name:literal) => {
        $crate::spinlock::SpinLockBh::new(
            $inner,
            ::kernel::c_str!($name),
            ::kernel::static_lock_class!(),
        )
    };
}
pub use new_spinlock_bh;

// SAFETY: `spinlock_t` ensures mutual exclusion, and `relock` is the default, which locks the
// same way as `lock`.
unsafe impl Backend for SpinLockBhBackend {
    type State = bindings::spinlock_t;
    /// Whether the lock keeps softirqs off: a softirq that has taken it is interrupted by none anyway.
    type GuardState = bool;

    unsafe fn init(
        ptr: *mut Self::State,
        name: *const c_char,
        key: *mut kernel::bindings::lock_class_key,
    ) {
        // SAFETY: `ptr`, `name` and `key` are valid by the contract of this function.
        unsafe { kernel::bindings::__spin_lock_init(ptr.cast(), name, key) }
    }

    #[inline]
    unsafe fn lock(ptr: *mut Self::State) -> bool {
        // SAFETY: `ptr` is an initialised lock by the contract of this function.
        unsafe { bindings::spin_lock_bh(ptr) }
    }

    #[inline]
    unsafe fn try_lock(ptr: *mut Self::State) -> Option<bool> {
        // SAFETY: `ptr` is an initialised lock by the contract of this function.
        unsafe { bindings::spin_trylock_bh(ptr) }.then_some(true)
    }

    #[inline]
    unsafe fn unlock(ptr: *mut Self::State, keeps_off: &bool) {
        // SAFETY: The caller owns the lock by the contract of this function, and got this state when it took it. If it took it in
        // a softirq, it is in the same one still, as guards stay with their thread.
        unsafe { bindings::spin_unlock_bh(ptr, *keeps_off) }
    }

    // A call of C for nothing, where lockdep is not there.
    #[cfg_attr(not(CONFIG_LOCKDEP), expect(unused_variables))]
    #[inline]
    unsafe fn assert_is_held(ptr: *mut Self::State) {
        // SAFETY: `ptr` is an initialised lock by the contract of this function.
        #[cfg(CONFIG_LOCKDEP)]
        unsafe {
            kernel::bindings::spin_assert_is_held(ptr.cast())
        }
    }
}
