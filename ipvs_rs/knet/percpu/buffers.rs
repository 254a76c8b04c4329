// SPDX-License-Identifier: GPL-2.0

//! Room to work in, for bottom halves.

use core::ptr::NonNull;
use ipvs_sys as bindings;
use kernel::prelude::*;

use crate::work::BottomHalf;

/// The buffer of one CPU.
#[repr(C)]
struct Place<const N: usize> {
    is_used: bool,
    bytes: [u8; N],
}

/// A buffer of `N` bytes for each CPU; at most some 30 KB (`PCPU_MIN_UNIT_SIZE`).
///
/// # Invariants
///
/// `base` is a per-CPU allocation of a [`Place<N>`], owned by this value. The place of a CPU is used by the bottom half that runs
/// there only, and its bytes only by who has set `is_used`.
pub struct Buffers<const N: usize> {
    base: NonNull<c_void>,
}

// SAFETY: The allocation may be used and freed from any thread.
unsafe impl<const N: usize> Send for Buffers<N> {}
// SAFETY: Each CPU uses its own place.
unsafe impl<const N: usize> Sync for Buffers<N> {}

impl<const N: usize> Buffers<N> {
    /// Allocates the buffers. May sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn new() -> Result<Self> {
        let flags = bindings::GFP_KERNEL_ACCOUNT | bindings::__GFP_NOWARN;
        let (size, align) = (size_of::<Place<N>>(), align_of::<u64>());
        // SAFETY: Sleeping is allowed, as the caller is told. The memory is zeroed, which is a place that nobody uses.
        let base = unsafe { bindings::pcpu_alloc_noprof(size, align, false, flags) };
        // INVARIANT: The allocation is new.
        Ok(Self {
            base: NonNull::new(base.cast()).ok_or(ENOMEM)?,
        })
    }

    /// Works in the buffer of this CPU, which has whatever it had. [`None`] if the caller does so already.
    pub fn with<R>(
        &self,
        _context: &BottomHalf,
        work: impl FnOnce(&mut [u8; N]) -> R,
    ) -> Option<R> {
        // SAFETY: By the type invariant `base` is a per-CPU allocation, and a bottom half stays on its CPU.
        let place = unsafe { bindings::this_cpu_ptr(self.base.as_ptr()) }.cast::<Place<N>>();
        // SAFETY: The place is that of this CPU, on which no other bottom half runs.
        let is_used = unsafe { &raw mut (*place).is_used };
        // SAFETY: The flag of this CPU is read and written by the bottom half that runs there, and this is one.
        if unsafe { is_used.replace(true) } {
            return None;
        }
        // SAFETY: The place is that of this CPU, on which no other bottom half runs.
        let bytes = unsafe { &raw mut (*place).bytes };
        // SAFETY: This call has set `is_used`, so nobody else has the bytes.
        let outcome = work(unsafe { &mut *bytes });
        // SAFETY: The flag is that of this CPU, and the bytes are not borrowed any more.
        unsafe { is_used.write(false) };
        Some(outcome)
    }
}

impl<const N: usize> Drop for Buffers<N> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant the allocation is ours, and the value is not used again.
        unsafe { bindings::free_percpu(self.base.as_ptr()) };
    }
}
