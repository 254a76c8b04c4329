// SPDX-License-Identifier: GPL-2.0

//! The connections about which a master daemon is to send messages.
//!
//! ```text
//!   packets ──Conn::announce──> Changes ──> Lane: Queue ──pop──> a thread of the master
//!                                                 waker ────────────┘
//! ```
//!
//! A connection is in a queue once at most ([`Announced::is_queued`](ipvs_core::sync::Announced::is_queued)), so many
//! changes of a connection are one message, which tells the last of them.

mod queue;

use kernel::alloc::KVec;
use knet::{
    kthread::Waker,
    rcu::{Arc, Guard, Ref, Slot},
};

use super::conn::Conn;

pub(crate) use queue::Queue;

/// The queue of one thread of the master, and the thread.
pub(crate) struct Lane {
    pub(crate) queue: Arc<Queue>,
    pub(crate) waker: Waker,
}

/// The queues of a running master.
pub(crate) struct Lanes(pub(crate) KVec<Lane>);

/// The queues of the master of a namespace, while it runs.
pub(crate) struct Changes(Slot<Lanes>);

impl Changes {
    /// Those of a namespace without a master.
    pub(crate) const fn new() -> Self {
        Self(Slot::empty())
    }

    /// The queues, if a master runs.
    #[inline]
    pub(crate) fn lanes<'g>(&'g self, guard: &'g Guard) -> Option<Ref<'g, Lanes>> {
        self.0.load(guard)
    }

    /// Lets packets fill the queues of a master. Without one, packets fill none from now on.
    pub(crate) fn set(&self, lanes: Option<Arc<Lanes>>) {
        drop(self.0.replace(lanes));
    }
}

impl Lanes {
    /// Puts a connection into the queue that its messages go through. Returns whether there was room.
    pub(crate) fn push(&self, conn: Ref<'_, Conn>) -> bool {
        let index = match self.0.len() {
            1 => 0,
            // The number of lanes is a power of two.
            lanes => conn.lane() & lanes.wrapping_sub(1),
        };
        let (Some(lane), Some(conn)) = (self.0.get(index), conn.try_clone()) else {
            return false;
        };
        match lane.queue.push(conn) {
            Some(was_empty) => {
                if was_empty {
                    lane.waker.wake();
                }
                true
            }
            None => false,
        }
    }
}
