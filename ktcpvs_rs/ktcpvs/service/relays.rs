// SPDX-License-Identifier: GPL-2.0

//! The relays of a service, so that it can end them.

use kernel::prelude::*;
use knet::{rcu::Arc, vec::VecExt};

use crate::relay::{Order, Relay};

/// The relays, each in a place that it knows.
pub(super) struct Relays {
    places: KVec<Option<Arc<Relay>>>,
    /// Places that are free.
    free: KVec<usize>,
    count: usize,
}

impl Relays {
    pub(super) fn new() -> Self {
        Self {
            places: KVec::new(),
            free: KVec::new(),
            count: 0,
        }
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// A free place, for [`put`](Self::put).
    pub(super) fn reserve(&mut self) -> Result<usize> {
        if let Some(place) = self.free.pop() {
            return Ok(place);
        }
        // So that each place can be given back without memory.
        let places = self.places.len().saturating_add(1);
        self.free.make_room(places)?;
        self.places.append(None)?;
        Ok(places.saturating_sub(1))
    }

    pub(super) fn put(&mut self, place: usize, relay: Arc<Relay>) {
        if let Some(slot) = self.places.get_mut(place) {
            *slot = Some(relay);
            self.count = self.count.saturating_add(1);
        }
    }

    /// Gives a place back, whether there is a relay in it or not.
    pub(super) fn remove(&mut self, place: usize) {
        let relay = self.places.get_mut(place).and_then(Option::take);
        if relay.is_some() {
            self.count = self.count.saturating_sub(1);
        }
        // There is room.
        let _ = self.free.append(place);
    }

    /// Tells all relays to do something.
    pub(super) fn order(&self, order: Order) {
        for relay in self.places.iter().flatten() {
            Relay::order(relay, order);
        }
    }
}
