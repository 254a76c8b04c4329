// SPDX-License-Identifier: GPL-2.0

//! Connections that control other connections, and so outlive them.
//!
//! A controlled connection holds a reference to its controller from its creation until it is freed.
//! The controller only counts the connections that it controls. The count is reduced when a
//! controlled connection leaves the table.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use knet::rcu::{Arc, Ref};

use super::Conn;

/// The value in place of the count after the connection has ended. It can control no other connection then.
const ENDED: u32 = u32::MAX;

/// The number of connections that a connection controls.
pub(super) struct ControlledCount(AtomicU32);

impl ControlledCount {
    /// The number for a new connection.
    pub(super) const fn new(count: u32) -> Self {
        Self(AtomicU32::new(count))
    }

    /// Counts one more connection. Returns false if the controller has ended.
    fn add_one(&self) -> bool {
        let more = |count: u32| count.checked_add(1).filter(|&count| count != ENDED);
        self.0.fetch_update(Relaxed, Relaxed, more).is_ok()
    }

    /// Counts one connection less.
    fn release_one(&self) {
        let fewer = |count: u32| match count {
            // When the namespace ends, a controller may end before the connections that it controls.
            ENDED => None,
            count => count.checked_sub(1),
        };
        let _ = self.0.fetch_update(Relaxed, Relaxed, fewer);
    }

    /// Marks the connection as ended, unless it controls other connections.
    pub(super) fn end(&self) -> End {
        match self.0.compare_exchange(0, ENDED, Relaxed, Relaxed) {
            Ok(_) => End::Now,
            Err(ENDED) => End::Before,
            Err(_) => End::Controls,
        }
    }

    /// Marks the connection as ended, even if it controls other connections.
    pub(super) fn force_end(&self) {
        self.0.store(ENDED, Relaxed);
    }
}

/// The result of a call that ends a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// This call has ended the connection.
    Now,
    /// The connection had ended before, or another caller is about to end it.
    Before,
    /// The connection lives on, because it controls other connections.
    Controls,
}

impl End {
    /// Whether the connection has ended, by this call or another.
    pub(crate) fn has_ended(self) -> bool {
        self != Self::Controls
    }
}

/// A reference to a controller, counted there, for a connection that is about to be created.
pub(crate) struct ControllerRef(Option<Arc<Conn>>);

impl ControllerRef {
    /// Counts a new connection at `controller`. Returns [`None`] if `controller` has ended.
    #[inline(always)]
    pub(crate) fn at(controller: Ref<'_, Conn>) -> Option<Self> {
        let controller = controller.try_clone()?;
        controller
            .controlled
            .add_one()
            .then_some(Self(Some(controller)))
    }

    /// The reference for the connection that a new template is created for. The template already counts it.
    pub(crate) fn first(template: Arc<Conn>) -> Self {
        Self(Some(template))
    }

    /// The controller. The caller passes it to [`release`] when the connection leaves the table.
    pub(super) fn keep(mut self) -> Option<Arc<Conn>> {
        self.0.take()
    }
}

impl Drop for ControllerRef {
    fn drop(&mut self) {
        release(self.0.as_ref());
    }
}

impl Conn {
    /// The connection that controls this one.
    pub(crate) fn controller(&self) -> Option<&Self> {
        self.control.as_deref()
    }
}

/// Takes a connection off the count of its controller, if it has a controller.
pub(super) fn release(controller: Option<&Arc<Conn>>) {
    if let Some(controller) = controller {
        controller.controlled.release_one();
    }
}
