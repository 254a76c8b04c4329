// SPDX-License-Identifier: GPL-2.0

//! The settings of a namespace.

use core::sync::atomic::{AtomicI32, Ordering::Relaxed};
use knet::time::HZ;
use ktcpvs_core::{http::HEAD_MAX, relay::Times};

/// A copy of a segment of up to so many bytes costs less than a page that it would pin.
const SHORT: usize = 512;
/// Everything is copied: a page at a time.
const ALWAYS: usize = 4096;
/// How long a connection to a server may take to be made, in seconds.
const CONNECT: i32 = 5;
/// How long a client may take to close its side, in seconds.
const LINGER: i32 = 2;

/// What can be set in `/proc/sys/net/ktcpvs`; time-outs are in seconds.
pub(crate) struct Settings {
    pub(crate) debug_level: AtomicI32,
    pub(crate) unload: AtomicI32,
    pub(crate) max_backlog: AtomicI32,
    pub(crate) zerocopy_send: AtomicI32,
    pub(crate) keepalive_timeout: AtomicI32,
    pub(crate) read_timeout: AtomicI32,
    pub(crate) header_timeout: AtomicI32,
    pub(crate) max_head: AtomicI32,
}

impl Settings {
    pub(crate) const fn new() -> Self {
        Self {
            debug_level: AtomicI32::new(0),
            unload: AtomicI32::new(0),
            max_backlog: AtomicI32::new(2048),
            zerocopy_send: AtomicI32::new(1),
            keepalive_timeout: AtomicI32::new(30),
            read_timeout: AtomicI32::new(180),
            header_timeout: AtomicI32::new(15),
            max_head: AtomicI32::new(HEAD_MAX as i32),
        }
    }

    /// Whether lines of this level are logged.
    pub(crate) fn logs(&self, level: i32) -> bool {
        self.debug_level.load(Relaxed) >= level && knet::log::net_ratelimit()
    }

    /// Whether services neither begin nor start.
    pub(crate) fn is_unloading(&self) -> bool {
        self.unload.load(Relaxed) != 0
    }

    /// Segments of up to so many bytes are copied.
    pub(crate) fn copy_max(&self) -> usize {
        match self.zerocopy_send.load(Relaxed) {
            0 => ALWAYS,
            _ => SHORT,
        }
    }

    /// The longest head of a request, in bytes.
    pub(crate) fn max_head(&self) -> u16 {
        u16::try_from(self.max_head.load(Relaxed)).unwrap_or(u16::MAX)
    }

    /// The time-outs of relays, in ticks.
    pub(crate) fn times(&self) -> Times {
        Times {
            idle: ticks(self.keepalive_timeout.load(Relaxed)),
            head: ticks(self.header_timeout.load(Relaxed)),
            read: ticks(self.read_timeout.load(Relaxed)),
            connect: ticks(CONNECT),
            linger: ticks(LINGER),
        }
    }
}

fn ticks(seconds: i32) -> u64 {
    // CAST: A usize fits.
    u64::try_from(seconds)
        .unwrap_or(0)
        .saturating_mul(HZ as u64)
}
