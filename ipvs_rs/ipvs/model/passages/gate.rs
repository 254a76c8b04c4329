// SPDX-License-Identifier: GPL-2.0

//! Whether packets of one version of IP leave early at all.
//!
//! ```text
//!   at rest ──a packet keeps its way, or the setting is written──> armed
//!      ^                                                             │
//!      └───────── the slow path finds hooks of somebody else ────────┘
//!                           (for a second at least)
//! ```
//!
//! At rest, nothing is done to packets that were just received. This saves work, and decides nothing: an armed gate lets no packet
//! leave without a look at the hooks. So a packet that saw no such hooks may arm the gate at the moment when another one closes it.
//!
//! While somebody else has hooks, the hook at `PRE_ROUTING` is not even registered: see [`Early`](crate::model::duties::Early).

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use knet::{
    rcu::{Guard, Ref, Slot},
    time::{Jiffies, HZ},
};

use super::Tables;

/// A gate that is at rest, or armed.
pub(super) struct Gate {
    /// The tables, if the gate is armed.
    armed: Slot<Tables>,
    /// The tick in which somebody else was last found to have hooks where early packets pass by.
    closed_at: AtomicUsize,
    /// Whether packets that were just received come to the gate. Changed under the configuration lock.
    pub(super) is_hooked: AtomicBool,
}

impl Gate {
    /// A gate at rest.
    pub(super) fn new() -> Self {
        Self {
            armed: Slot::empty(),
            closed_at: AtomicUsize::new(Jiffies::now().ticks().wrapping_sub(HZ)),
            is_hooked: AtomicBool::new(false),
        }
    }

    /// The tables, if the gate is armed.
    #[inline]
    pub(super) fn tables<'g>(&'g self, guard: &'g Guard) -> Option<&'g Tables> {
        self.armed.load(guard).map(Ref::get)
    }

    /// Arms the gate.
    pub(super) fn arm(&self, tables: Ref<'_, Tables>, guard: &Guard) {
        if self.armed.load(guard).is_none() {
            if let Some(tables) = tables.try_clone() {
                drop(self.armed.replace(Some(tables)));
            }
        }
    }

    /// Whether the gate was closed in the last second.
    #[inline]
    pub(super) fn is_closed(&self) -> bool {
        let now = Jiffies::now().ticks();
        now.wrapping_sub(self.closed_at.load(Relaxed)) < HZ
    }

    /// Lets the gate rest, as somebody else has hooks.
    pub(super) fn close(&self) {
        self.armed.clear();
        self.closed_at.store(Jiffies::now().ticks(), Relaxed);
    }
}
