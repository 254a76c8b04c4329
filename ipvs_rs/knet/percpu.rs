// SPDX-License-Identifier: GPL-2.0

//! Counters that every CPU keeps for itself.
//!
//! Adding touches memory of this CPU only, takes no lock and is safe against interrupts; reading
//! adds up all CPUs. Each counter only grows.
//!
//! # Examples
//!
//! ```rust
//! # use kernel::prelude::*;
//! # use knet::percpu::Counters;
//! const PACKETS: usize = 0;
//! const BYTES: usize = 1;
//!
//! let counters = Counters::<2>::new()?;
//! // One call for two counters that are side by side.
//! counters.add_pair::<PACKETS>(1, 60);
//! counters.add::<BYTES>(4);
//! let [packets, bytes] = counters.sums();
//! assert_eq!((packets, bytes), (1, 64));
//! # Ok::<(), Error>(())
//! ```
//!
//! C header: [`include/linux/percpu.h`](srctree/include/linux/percpu.h)

use core::{marker::PhantomData, ops::Range, ptr::NonNull};
use ipvs_sys as bindings;
use kernel::{error::to_result, prelude::*, sync::Arc, types::NotThreadSafe};

/// Per-CPU memory that several [`Counters`] have parts of.
///
/// # Invariants
///
/// `base` is a per-CPU allocation, owned by this value.
struct Block {
    base: NonNull<c_void>,
}

// SAFETY: The allocation may be used and freed from any thread.
unsafe impl Send for Block {}
// SAFETY: What is in it is left to its users.
unsafe impl Sync for Block {}

impl Block {
    /// Zeroed memory of `size` bytes for each CPU.
    fn new(size: usize) -> Result<Arc<Self>> {
        let flags = bindings::GFP_KERNEL_ACCOUNT | bindings::__GFP_NOWARN;
        // SAFETY: Sleeping is allowed, as the callers are told.
        let base = unsafe { bindings::pcpu_alloc_noprof(size, align_of::<u64>(), false, flags) };
        // INVARIANT: The allocation is new.
        let block = Self {
            base: NonNull::new(base.cast()).ok_or(ENOMEM)?,
        };
        Ok(Arc::new(block, GFP_KERNEL_ACCOUNT)?)
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: By the type invariant the allocation is ours, and the value is not used again.
        unsafe { bindings::free_percpu(self.base.as_ptr()) };
    }
}

/// Makes counters, many of them in one block: to allocate them is what takes long. The first is
/// alone, then there are ever more to a block, which is freed with the last of them.
#[derive(Default)]
pub struct CounterPool<const N: usize> {
    block: Option<Arc<Block>>,
    /// The counters of the block that nobody has had yet.
    left: Range<usize>,
}

impl<const N: usize> CounterPool<N> {
    /// The most counters in one block.
    const MOST: usize = 32;

    /// Makes counters. May sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn take(&mut self) -> Result<Counters<N>> {
        if self.left.is_empty() {
            let size = self.left.end.saturating_mul(2).clamp(1, Self::MOST);
            self.block = Some(Block::new(size.saturating_mul(size_of::<[u64; N]>()))?);
            self.left = 0..size;
        }
        let (block, index) = self.block.as_ref().zip(self.left.next()).ok_or(ENOMEM)?;
        let first = block.base.as_ptr().cast::<[u64; N]>().wrapping_add(index);
        // INVARIANT: The block has more than `index` arrays; each is given away once.
        Ok(Counters {
            base: NonNull::new(first.cast()).ok_or(ENOMEM)?,
            _block: block.clone(),
        })
    }
}

/// `N` counters for each CPU, all zero at first.
///
/// # Invariants
///
/// `base` is an array of `N` `u64` for each CPU, which no other value refers to, in `_block`.
pub struct Counters<const N: usize> {
    base: NonNull<c_void>,
    _block: Arc<Block>,
}

// SAFETY: The allocation may be used and freed from any thread.
unsafe impl<const N: usize> Send for Counters<N> {}
// SAFETY: Additions are atomic on their CPU; readers read aligned words.
unsafe impl<const N: usize> Sync for Counters<N> {}

impl<const N: usize> Counters<N> {
    /// Allocates counters that are alone. May sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn new() -> Result<Self> {
        CounterPool::default().take()
    }

    /// Counter number `index`, as the per-CPU functions want it.
    #[inline]
    fn counter(&self, index: usize) -> *mut c_void {
        self.base.as_ptr().cast::<u64>().wrapping_add(index).cast()
    }

    /// Adds `value` to counter `INDEX` of this CPU.
    #[inline]
    pub fn add<const INDEX: usize>(&self, value: u64) {
        const { assert!(INDEX < N) };
        // SAFETY: By the type invariant there are `N` counters, and `INDEX < N`.
        unsafe { bindings::this_cpu_add(self.counter(INDEX), value) };
    }

    /// Adds one to counter `index` of this CPU; there is none with a number of `N` or more.
    #[inline]
    pub fn increment(&self, index: usize) {
        if index < N {
            // SAFETY: By the type invariant there are `N` counters, and `index < N`.
            unsafe { bindings::this_cpu_add(self.counter(index), 1) };
        }
    }

    /// Adds `first` to counter `INDEX` and `second` to the one behind it, of this CPU.
    #[inline]
    pub fn add_pair<const INDEX: usize>(&self, first: u64, second: u64) {
        const { assert!(INDEX + 1 < N) };
        // SAFETY: By the type invariant there are `N` counters, and `INDEX + 1 < N`.
        unsafe { bindings::this_cpu_add_pair(self.counter(INDEX), first, second) };
    }

    /// The counters of one CPU.
    pub fn of(&self, cpu: Cpu) -> [u64; N] {
        // SAFETY: By the type invariant `base` is a per-CPU allocation, and `Cpu` is a possible CPU.
        let first = unsafe { bindings::per_cpu_ptr(self.base.as_ptr(), cpu.0) }.cast::<u64>();
        core::array::from_fn(|index| {
            // SAFETY: `index < N`; an aligned word is read whole.
            unsafe { first.wrapping_add(index).read_volatile() }
        })
    }

    /// The sums over all CPUs that may have counted.
    pub fn sums(&self) -> [u64; N] {
        Cpu::known().fold([0; N], |mut sums, cpu| {
            for (sum, value) in sums.iter_mut().zip(self.of(cpu)) {
                *sum = sum.wrapping_add(value);
            }
            sums
        })
    }
}

/// A CPU that this machine has or may get.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Cpu(u32);

impl Cpu {
    /// All of them, in order.
    pub fn possible() -> impl Iterator<Item = Cpu> {
        // SAFETY: Any number may be asked for.
        Self::all(|last| unsafe { bindings::next_possible_cpu(last) })
    }

    /// Those that are or were online while there is a [`KnownCpus`], in order. Without one, all.
    pub fn known() -> impl Iterator<Item = Cpu> {
        // SAFETY: Any number may be asked for.
        Self::all(|last| unsafe { bindings::next_known_cpu(last) })
    }

    /// The CPUs that `next` tells one after the other.
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

/// Keeps account of the CPUs that come, so that only those are asked for counts that may have some.
/// A module has one, from before it counts anything.
///
/// # Invariants
///
/// `state` is what C has given for the callback, which is registered.
pub struct KnownCpus {
    state: i32,
}

impl KnownCpus {
    /// Begins with the CPUs that are online. May sleep.
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
    /// Waits until no CPU is on its way, and keeps them all as they are. May sleep.
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
    /// The CPU of this number; [`None`] if it is no CPU's.
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
