// SPDX-License-Identifier: GPL-2.0

//! Tests of the abstractions inside a kernel, by KUnit: life cycle, refusal, order of drops. `make test-debug` lets the
//! kernel run them (`/sys/kernel/debug/kunit`), once the module is loaded. What needs packets is tested by scenarios.

mod late;
mod packets;
mod rcu;
mod registrations;
mod sockets;
mod table;
mod tcp;
mod time;
mod values;

use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use kernel::prelude::*;

use crate::rcu::Arc;

/// Counts its end.
struct Probe(&'static AtomicUsize);

impl Drop for Probe {
    fn drop(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// A new probe, and how often probes of this counter have ended before.
fn probe(ends: &'static AtomicUsize) -> Result<(Arc<Probe>, usize)> {
    Ok((Arc::new(Probe(ends), GFP_KERNEL)?, ends.load(Relaxed)))
}
