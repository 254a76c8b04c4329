// SPDX-License-Identifier: GPL-2.0

//! Per-CPU counters, and [`Buffers`] for bottom halves.
//!
//! An addition touches memory of this CPU only, takes no lock and is safe against interrupts. A read
//! adds up the counters of all CPUs. Each counter only grows.
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

mod buffers;
mod cpu;

pub use buffers::Buffers;
pub use cpu::{Cpu, CpusReadLock, KnownCpus, OnlineCpu};

use core::{ops::Range, ptr::NonNull};
use ipvs_sys as bindings;
use kernel::{prelude::*, sync::Arc};

/// Per-CPU memory that several [`Counters`] share.
///
/// # Invariants
///
/// `base` is a per-CPU allocation, owned by this value.
struct Block {
    base: NonNull<c_void>,
}

// SAFETY: The allocation may be used and freed from any thread.
unsafe impl Send for Block {}
// SAFETY: `&Block` gives no access to the memory; each [`Counters`] accesses its own part.
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

/// Makes counters, many in one block, as per-CPU allocations are slow. The first block has one set of
/// counters and later blocks have more. A block is freed with the last of its counters.
#[derive(Default)]
pub struct CounterPool<const N: usize> {
    block: Option<Arc<Block>>,
    /// The counters of the block that were not handed out yet.
    left: Range<usize>,
}

impl<const N: usize> CounterPool<N> {
    /// The maximum number of counters in one block.
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
    /// Allocates counters in a block of their own. May sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn new() -> Result<Self> {
        CounterPool::default().take()
    }

    /// The per-CPU pointer to counter number `index`.
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

    /// Adds one to counter `index` of this CPU. Does nothing if `index` is `N` or more.
    #[inline]
    pub fn increment(&self, index: usize) {
        if index < N {
            // SAFETY: By the type invariant there are `N` counters, and `index < N`.
            unsafe { bindings::this_cpu_add(self.counter(index), 1) };
        }
    }

    /// Adds `first` to counter `INDEX` of this CPU and `second` to counter `INDEX + 1`.
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
