// SPDX-License-Identifier: GPL-2.0

//! The statistics of a server, a service or a namespace: counters and their rates.
//!
//! Statistics sleep when nothing is counted and all rates are zero: the estimation skips them. A new
//! connection wakes them. They stay awake while there are connections, so a packet of a connection
//! need not check this.

use core::sync::atomic::{
    AtomicUsize,
    Ordering::{AcqRel, Relaxed, Release},
};
use ipvs_core::est::{self, Counters, Estimate};
use kernel::{new_spinlock, prelude::*, sync::SpinLock};
use knet::percpu::{self, Cpu};

/// The indices of the counters. The counter of bytes follows the counter of their packets.
const CONNECTIONS: usize = 0;
const IN_PACKETS: usize = 1;
const OUT_PACKETS: usize = 3;
pub(crate) const COUNTERS: usize = 5;

/// The number of estimations after the last reason for one. It is more than 1: a packet that counts may not see yet
/// that the statistics fall asleep, while the estimation does not see its count yet.
const LOOKS: usize = 2;

/// Counters of connections, packets and bytes, and the rates from the last estimation.
#[pin_data]
pub(crate) struct Stats {
    counters: percpu::Counters<COUNTERS>,
    #[pin]
    estimate: SpinLock<Estimate>,
    /// The number of estimations until the statistics sleep; 0 while they sleep.
    looks: AtomicUsize,
}

impl Stats {
    /// Statistics with these counters, which are all zero.
    pub(crate) fn new(counters: percpu::Counters<COUNTERS>) -> impl PinInit<Self> {
        pin_init!(Self {
            counters,
            estimate <- new_spinlock!(Estimate::new()),
            looks: AtomicUsize::new(0),
        })
    }

    /// Counts a new connection.
    #[inline]
    pub(crate) fn count_connection(&self) {
        self.counters.add::<CONNECTIONS>(1);
        if self.looks.load(Relaxed) != LOOKS {
            // ORDERING: Release, paired with `estimate`: an estimation that sees this store sees the count.
            self.looks.store(LOOKS, Release);
        }
    }

    /// Counts a packet of `length` bytes from a client.
    #[inline]
    pub(crate) fn count_in(&self, length: usize) {
        // CAST: A usize fits.
        self.counters.add_pair::<IN_PACKETS>(1, length as u64);
    }

    /// Counts a packet of `length` bytes from a server.
    #[inline]
    pub(crate) fn count_out(&self, length: usize) {
        // CAST: A usize fits.
        self.counters.add_pair::<OUT_PACKETS>(1, length as u64);
    }

    /// The sums of the counters over all CPUs, since they were made.
    fn raw(&self) -> Counters {
        counters(self.counters.sums())
    }

    /// The counters of one CPU, since they were made.
    pub(crate) fn of_cpu(&self, cpu: Cpu) -> Counters {
        counters(self.counters.of(cpu))
    }

    /// The statistics as users see them: the counts since the last [`zero`](Self::zero), and the rates.
    pub(crate) fn view(&self) -> est::Stats {
        let now = self.raw();
        self.estimate.lock().stats(now)
    }

    /// Sets the counts that users see to zero.
    pub(crate) fn zero(&self) {
        let now = self.raw();
        self.estimate.lock().reset(now);
    }

    /// Updates the rates with the current counts, unless the statistics sleep. Called every
    /// [`est::PERIOD_SECONDS`].
    ///
    /// `in_use` says whether packets may be counted without a new connection. Returns false if the
    /// statistics sleep.
    pub(crate) fn estimate(&self, in_use: bool) -> bool {
        // ORDERING: Acquire, paired with `count_connection`. The number is reduced before the counts are
        // read: a connection that is counted in between sets it again.
        let less = |looks: usize| looks.checked_sub(1);
        if self.looks.fetch_update(AcqRel, Relaxed, less).is_err() && !in_use {
            return false;
        }
        let now = self.raw();
        let mut estimate = self.estimate.lock();
        estimate.tick(now);
        if in_use || !estimate.is_at_rest() {
            self.looks.store(LOOKS, Relaxed);
        }
        true
    }
}

/// Names the counters, which are in the order of their indices.
fn counters(raw: [u64; COUNTERS]) -> Counters {
    let [conns, inpkts, inbytes, outpkts, outbytes] = raw;
    Counters {
        conns,
        inpkts,
        outpkts,
        inbytes,
        outbytes,
    }
}
