// SPDX-License-Identifier: GPL-2.0

//! The CPUs of this machine: the possible CPUs, the CPUs that have counted, and the online CPUs.

use core::marker::PhantomData;
use ipvs_sys as bindings;
use kernel::{error::to_result, prelude::*, types::NotThreadSafe};

/// A CPU that this machine has or may get.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Cpu(pub(super) u32);

impl Cpu {
    /// All possible CPUs, in ascending order.
    pub fn possible() -> impl Iterator<Item = Cpu> {
        // SAFETY: Any number may be asked for.
        Self::all(|last| unsafe { bindings::next_possible_cpu(last) })
    }

    /// The CPUs that are or were online while there is a [`KnownCpus`], in ascending order. Without a [`KnownCpus`], all
    /// possible CPUs.
    pub fn known() -> impl Iterator<Item = Cpu> {
        // SAFETY: Any number may be asked for.
        Self::all(|last| unsafe { bindings::next_known_cpu(last) })
    }

    /// The CPUs that `next` yields one after the other.
    fn all(next: impl Fn(i32) -> u32) -> impl Iterator<Item = Cpu> {
        let mut last = -1;
        core::iter::from_fn(move || {
            let cpu = next(last);
            // SAFETY: Set once, at boot.
            if cpu >= unsafe { bindings::nr_cpu_ids } {
                return None;
            }
            // CAST: CPU numbers are small.
            last = cpu as i32;
            Some(Cpu(cpu))
        })
    }

    /// Its number.
    pub fn number(self) -> u32 {
        self.0
    }
}

/// Records the CPUs that come online, so that sums read the counters of these CPUs only. There is one
/// value for all modules. The base module makes it before any module counts.
///
/// # Invariants
///
/// `state` is what C has given for the callback, which is registered.
pub struct KnownCpus {
    state: i32,
}

impl KnownCpus {
    /// Begins to record, with the CPUs that are online now. May sleep.
    ///
    /// # Errors
    ///
    /// `ENOSPC`, `ENOMEM`.
    pub fn new() -> Result<Self> {
        // SAFETY: There are no preconditions besides being allowed to sleep, as the caller is told. C
        // calls back until the value is dropped, which is before the module's text goes.
        let state = unsafe { bindings::watch_cpus() };
        // INVARIANT: There was no error.
        to_result(state).map(|()| Self { state })
    }
}

impl Drop for KnownCpus {
    fn drop(&mut self) {
        // SAFETY: By the type invariant the callback is registered, and the value is not used again.
        unsafe { bindings::unwatch_cpus(self.state) };
    }
}

/// While this exists, no CPU goes online or offline.
///
/// # Invariants
///
/// This task holds `cpu_hotplug_lock` for reading.
pub struct CpusReadLock(NotThreadSafe);

impl CpusReadLock {
    /// Waits until no CPU is going online or offline, and takes the lock. May sleep.
    pub fn take() -> Self {
        // SAFETY: There are no preconditions besides being allowed to sleep, as the caller is told.
        unsafe { bindings::cpus_read_lock() };
        // INVARIANT: The lock was just taken, and the value stays with this task.
        Self(NotThreadSafe)
    }
}

impl Drop for CpusReadLock {
    fn drop(&mut self) {
        // SAFETY: By the type invariant this task holds the lock.
        unsafe { bindings::cpus_read_unlock() };
    }
}

/// A CPU that stays online while the lock is held.
///
/// # Invariants
///
/// The CPU is online for `'l`.
pub struct OnlineCpu<'l> {
    cpu: Cpu,
    _lock: PhantomData<&'l CpusReadLock>,
}

impl<'l> OnlineCpu<'l> {
    /// The CPU of this number; [`None`] if no CPU has this number.
    ///
    /// # Safety
    ///
    /// A number below `nr_cpu_ids` must be that of a CPU that is online now.
    pub(crate) unsafe fn from_number(number: u32, _lock: &'l CpusReadLock) -> Option<Self> {
        // SAFETY: Set once, at boot.
        if number >= unsafe { bindings::nr_cpu_ids } {
            return None;
        }
        // INVARIANT: By the contract it is online, and the lock lets it stay so.
        Some(Self {
            cpu: Cpu(number),
            _lock: PhantomData,
        })
    }

    /// Its number.
    pub(crate) fn number(&self) -> u32 {
        self.cpu.number()
    }
}
