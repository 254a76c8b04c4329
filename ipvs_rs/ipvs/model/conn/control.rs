// SPDX-License-Identifier: GPL-2.0

//! Connections that control others, and so outlive them.
//!
//! The controlled one has a reference to its controller from its beginning on; the controller only
//! counts. The count is given up when the controlled one leaves the table, the reference when it
//! is freed.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use knet::rcu::{Arc, Ref};

use super::Conn;

/// In place of the count: the connection has ended, and can control no others.
const ENDED: u32 = u32::MAX;

/// How many connections a connection controls.
pub(super) struct Controlled(AtomicU32);

impl Controlled {
    /// That of a new connection.
    pub(super) const fn new(count: u32) -> Self {
        Self(AtomicU32::new(count))
    }

    /// One more, unless the connection has ended.
    fn add_one(&self) -> bool {
        let more = |count: u32| count.checked_add(1).filter(|&count| count != ENDED);
        self.0.fetch_update(Relaxed, Relaxed, more).is_ok()
    }

    /// One less.
    fn release_one(&self) {
        let fewer = |count: u32| match count {
            // All connections of the namespace end, in any order.
            ENDED => None,
            count => count.checked_sub(1),
        };
        let _ = self.0.fetch_update(Relaxed, Relaxed, fewer);
    }

    /// Sees to it that the connection controls no others from now on, unless it does already.
    pub(super) fn end(&self) -> End {
        match self.0.compare_exchange(0, ENDED, Relaxed, Relaxed) {
            Ok(_) => End::Now,
            Err(ENDED) => End::Before,
            Err(_) => End::Controls,
        }
    }

    /// The same, whatever the connection controls.
    pub(super) fn end_anyhow(&self) {
        self.0.store(ENDED, Relaxed);
    }
}

/// What became of a connection that was to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It has ended, by this call.
    Now,
    /// It had ended before, or somebody else is about to end it.
    Before,
    /// It goes on, as it controls others.
    Controls,
}

impl End {
    /// Whether the connection is none any more, whoever ended it.
    pub(crate) fn has_ended(self) -> bool {
        self != Self::Controls
    }
}

/// A place among the connections that a connection controls, for one that is about to be made.
pub(crate) struct Control(Option<Arc<Conn>>);

impl Control {
    /// A place at a connection, unless that has ended.
    pub(crate) fn at(controller: Ref<'_, Conn>) -> Option<Self> {
        let controller = controller.try_clone()?;
        controller
            .controlled
            .add_one()
            .then_some(Self(Some(controller)))
    }

    /// The place that a template is made with.
    pub(crate) fn first(template: Arc<Conn>) -> Self {
        Self(Some(template))
    }

    /// The controller, to be given back to [`release`] when the connection leaves the table.
    pub(super) fn keep(mut self) -> Option<Arc<Conn>> {
        self.0.take()
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        release(self.0.as_ref());
    }
}

/// Gives up a place at a controller, if there is one.
pub(super) fn release(controller: Option<&Arc<Conn>>) {
    if let Some(controller) = controller {
        controller.controlled.release_one();
    }
}
