// SPDX-License-Identifier: GPL-2.0

//! The relays of a service, so that it can end them.

use kernel::{alloc::KVVec, prelude::*};
use knet::{rcu::Arc, vec::VecExt};

use super::relay::{Order, Relay};

/// The relays, each in a place that it knows.
pub(super) struct Relays {
    places: KVVec<Option<Arc<Relay>>>,
    /// Places that are free.
    free: KVVec<usize>,
    count: usize,
}

impl Relays {
    pub(super) fn new() -> Self {
        Self {
            places: KVVec::new(),
            free: KVVec::new(),
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

    /// All relays from a place on, each with its place.
    pub(super) fn from(&self, place: usize) -> impl Iterator<Item = (usize, &Arc<Relay>)> {
        let rest = self.places.get(place..).unwrap_or_default();
        let places = (place..).zip(rest);
        places.filter_map(|(place, relay)| Some((place, relay.as_ref()?)))
    }

    /// Tells all relays to do something.
    pub(super) fn order(&self, order: Order) {
        self.from(0)
            .for_each(|(_, relay)| Relay::order(relay, order));
    }
}
