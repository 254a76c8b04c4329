// SPDX-License-Identifier: GPL-2.0

//! As knet's: each thread of a model is a CPU, with counters that only it adds to.

use crate::prelude::Result;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The threads that count.
const CPUS: usize = 2;

loom::thread_local! {
    static CPU: std::cell::Cell<usize> = std::cell::Cell::new(0);
}

/// Which CPU this thread is.
pub fn be(cpu: usize) {
    CPU.with(|this| this.set(cpu));
}

/// `N` counters for each CPU.
pub struct Counters<const N: usize>([[AtomicU64; N]; CPUS]);

impl<const N: usize> Counters<N> {
    /// All zero.
    pub fn new() -> Result<Self> {
        let zero = |_| std::array::from_fn(|_| AtomicU64::new(0));
        let counters = Self(std::array::from_fn(zero));
        counters.sums();
        Ok(counters)
    }

    /// Adds to counter `INDEX` of this CPU.
    pub fn add<const INDEX: usize>(&self, value: u64) {
        let counter = &self.0[CPU.with(std::cell::Cell::get)][INDEX];
        counter.store(counter.load(Relaxed) + value, Relaxed);
    }

    /// Adds to two counters of this CPU.
    pub fn add_pair<const INDEX: usize>(&self, first: u64, second: u64) {
        let ours = &self.0[CPU.with(std::cell::Cell::get)];
        for (counter, value) in [(&ours[INDEX], first), (&ours[INDEX + 1], second)] {
            counter.store(counter.load(Relaxed) + value, Relaxed);
        }
    }

    /// The counters of one CPU.
    pub fn of(&self, cpu: Cpu) -> [u64; N] {
        std::array::from_fn(|index| self.0[cpu.0][index].load(Relaxed))
    }

    /// The sums.
    pub fn sums(&self) -> [u64; N] {
        std::array::from_fn(|index| (0..CPUS).map(|cpu| self.of(Cpu(cpu))[index]).sum())
    }
}

/// A CPU.
#[derive(Clone, Copy)]
pub struct Cpu(usize);
