// SPDX-License-Identifier: GPL-2.0

//! Lists of CPUs, as people write them: `0-3,5`.
//!
//! C header: [`include/linux/cpumask.h`](srctree/include/linux/cpumask.h)

use ipvs_sys as bindings;
use kernel::{error::to_result, prelude::*};

use crate::{
    percpu::{CpusReadLock, OnlineCpu},
    vec::VecExt,
};

/// A set of CPUs.
///
/// # Invariants
///
/// `mask` has room for the bits of a `cpumask`, and all of them are initialised.
pub struct CpuList {
    mask: KVec<u64>,
}

impl CpuList {
    /// No CPU.
    fn none() -> Result<Self> {
        // SAFETY: A constant of the running kernel.
        let size = unsafe { bindings::cpumask_size() };
        let mut mask = KVec::new();
        for _ in 0..size.div_ceil(size_of::<u64>()) {
            mask.append(0)?;
        }
        // INVARIANT: As large as C says, and zero.
        Ok(Self { mask })
    }

    /// The CPUs that kernel threads are meant to run on.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn housekeeping() -> Result<Self> {
        let mut list = Self::none()?;
        // SAFETY: By the type invariant `mask` has the bits of a `cpumask`.
        unsafe { bindings::cpumask_of_kernel_threads(list.mask.as_mut_ptr().cast()) };
        Ok(list)
    }

    /// Those CPUs of a list that the current task may run on.
    ///
    /// # Errors
    ///
    /// `EINVAL` if it is no list, `ERANGE` if a number is too large, `ENOMEM`.
    pub fn parse(text: &CStr) -> Result<Self> {
        let mut list = Self::none()?;
        let mask = list.mask.as_mut_ptr().cast();
        // SAFETY: By the type invariant `mask` has the bits of a `cpumask`, and the text has an end.
        to_result(unsafe { bindings::cpumask_parse(text.as_char_ptr(), mask) })?;
        Ok(list)
    }

    /// Whether no CPU is in it.
    pub fn is_empty(&self) -> bool {
        self.mask.iter().all(|word| *word == 0)
    }

    /// The first CPU that is online.
    pub fn first_online<'l>(&self, lock: &'l CpusReadLock) -> Option<OnlineCpu<'l>> {
        // SAFETY: By the type invariant `mask` has the bits of a `cpumask`.
        let cpu = unsafe { bindings::cpumask_first_online(self.mask.as_ptr().cast()) };
        // SAFETY: C gives the number of an online CPU, or one that is no CPU's; the lock is held.
        unsafe { OnlineCpu::from_number(cpu, lock) }
    }

    /// Writes the list to `text`, and returns its length. What does not fit is left out.
    pub fn print(&self, text: &mut [u8]) -> usize {
        let (to, room) = (text.as_mut_ptr().cast(), text.len());
        // SAFETY: By the type invariant `mask` has the bits of a `cpumask`, and there is room.
        let length = unsafe { bindings::cpumask_print(to, room, self.mask.as_ptr().cast()) };
        usize::try_from(length).unwrap_or(0)
    }
}
