// SPDX-License-Identifier: GPL-2.0

//! What is counted for a service and for a server, on each CPU.

use kernel::prelude::*;
use knet::{percpu::Counters, vec::position};
use ktcpvs_core::http::{answer::Class, Fault};

const CONNS: usize = 0;
const REQUESTS: usize = 1;
const IN: usize = 2;
const OUT: usize = 3;
const RETRIED: usize = 4;
const CLASSES: usize = 5;
const ERRORS: usize = 9;
/// The number of counters.
const COUNT: usize = ERRORS + Fault::ALL.len();

/// Counters, which only grow.
pub(crate) struct Stats(Counters<COUNT>);

/// What was counted.
#[derive(Clone, Copy)]
pub(crate) struct Sums {
    /// Connections of clients; of a server, connections to it.
    pub(crate) conns: u64,
    pub(crate) requests: u64,
    /// Bytes from clients.
    pub(crate) bytes_in: u64,
    /// Bytes to clients.
    pub(crate) bytes_out: u64,
    /// Requests for which another server was tried.
    pub(crate) retried: u64,
    /// Answers of servers, in the order of the variants of [`Class`].
    classes: [u64; 4],
    /// Answers of the switch itself, in the order of [`Fault::ALL`].
    pub(crate) errors: [u64; Fault::ALL.len()],
}

impl Sums {
    /// Answers of servers of a class.
    pub(crate) fn of(&self, class: Class) -> u64 {
        // CAST: The number of the variant.
        self.classes.get(class as usize).copied().unwrap_or(0)
    }
}

impl Stats {
    /// Allocates counters. May sleep.
    pub(crate) fn new() -> Result<Self> {
        Ok(Self(Counters::new()?))
    }

    pub(crate) fn conn(&self) {
        self.0.add::<CONNS>(1);
    }

    pub(crate) fn request(&self) {
        self.0.add::<REQUESTS>(1);
    }

    pub(crate) fn retried(&self) {
        self.0.add::<RETRIED>(1);
    }

    pub(crate) fn bytes_in(&self, bytes: u64) {
        self.0.add::<IN>(bytes);
    }

    pub(crate) fn bytes_out(&self, bytes: u64) {
        self.0.add::<OUT>(bytes);
    }

    /// The switch answers itself.
    pub(crate) fn error(&self, fault: Fault) {
        let place = position(&Fault::ALL, |it| *it == fault);
        self.0
            .increment(ERRORS.saturating_add(place.unwrap_or(usize::MAX)));
    }

    /// A server answers.
    pub(crate) fn answer(&self, class: Class) {
        // CAST: The number of the variant.
        self.0.increment(CLASSES.saturating_add(class as usize));
    }

    /// All CPUs together.
    pub(crate) fn sums(&self) -> Sums {
        let [conns, requests, bytes_in, bytes_out, retried, c2, c3, c4, c5, errors @ ..] =
            self.0.sums();
        Sums {
            conns,
            requests,
            bytes_in,
            bytes_out,
            retried,
            classes: [c2, c3, c4, c5],
            errors,
        }
    }
}
