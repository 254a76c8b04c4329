// SPDX-License-Identifier: GPL-2.0

//! What was counted for a server, a service or a namespace, and how fast it grows.
//!
//! Where nothing is counted and all rates have come down to zero, statistics sleep: the estimation
//! passes them by. The first connection wakes them; as long as there are connections they are not
//! put to sleep, so that the packets of these need not look.

use core::sync::atomic::{
    AtomicUsize,
    Ordering::{AcqRel, Relaxed, Release},
};
use ipvs_core::est::{self, Counters, Estimate};
use kernel::{new_spinlock, prelude::*, sync::SpinLock};
use knet::percpu::{self, Cpu};

/// The places of the counters. The one behind a counter of packets is that of their bytes.
const CONNECTIONS: usize = 0;
const IN_PACKETS: usize = 1;
const OUT_PACKETS: usize = 3;
pub(crate) const COUNTERS: usize = 5;

/// How often the estimation looks where there is no reason to. More than once: who counts may not see yet
/// that it is about to pass by, and the estimation not see yet what was counted.
const LOOKS: usize = 2;

/// Counters that every packet path adds to, and what was last made of them.
#[pin_data]
pub(crate) struct Stats {
    counters: percpu::Counters<COUNTERS>,
    #[pin]
    estimate: SpinLock<Estimate>,
    /// How often the estimation is still to look; 0 is asleep.
    looks: AtomicUsize,
}

impl Stats {
    /// Everything that `counters` will count. All is zero.
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
            // ORDERING: Release, paired with `estimate`: who sees it sees what was counted.
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

    /// Everything that was ever counted.
    fn raw(&self) -> Counters {
        counters(self.counters.sums())
    }

    /// What one CPU ever counted.
    pub(crate) fn of_cpu(&self, cpu: Cpu) -> Counters {
        counters(self.counters.of(cpu))
    }

    /// What users are shown: the counts of now since the last zero, and the rates.
    pub(crate) fn view(&self) -> est::Stats {
        let now = self.raw();
        self.estimate.lock().stats(now)
    }

    /// Starts counting from zero again, as users see it.
    pub(crate) fn zero(&self) {
        let now = self.raw();
        self.estimate.lock().reset(now);
    }

    /// Takes the counts of now into the rates, unless there is nothing to take. Called every
    /// [`est::PERIOD_SECONDS`].
    ///
    /// `in_use` says whether packets may be counted without a new connection. Returns whether
    /// there was anything to do.
    pub(crate) fn estimate(&self, in_use: bool) -> bool {
        // ORDERING: Acquire, paired with `count_connection`. Before the counts are read: a connection
        // that comes in between wakes it again.
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

/// Gives the counters their names.
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
