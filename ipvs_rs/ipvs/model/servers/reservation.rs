// SPDX-License-Identifier: GPL-2.0

//! How a server gets, changes and loses its entry in the table of servers.
//!
//! ```text
//!   prepare ──> Reservation ──enter──> packets find the server by the entry ──leave──> they do not ──forget──> it has none
//!   (ENOMEM)        └──────discard──> nothing has changed                               └──enter──> they do again
//! ```
//!
//! A deleted server keeps its entry in the trash, so that nothing has to be freed when many are deleted at once.
//!
//! All of this happens under the configuration lock.

use core::sync::atomic::Ordering::Relaxed;
use ipvs_core::config::DestSpec;
use kernel::prelude::*;
use knet::{
    field::field,
    rcu::{self, Arc, Guard, Ref},
};

use super::{entry::ServerEntry, packet_match::PacketMatch, Servers};
use crate::model::{dest::Dest, duties::Resize, Ipvs};

/// The entry that a server will have, with all the memory that it needs. Packets do not find the server by it yet.
pub(crate) enum Reservation {
    /// The server keeps the entry that it has.
    Same,
    /// The server gets this entry, which counts the reservation; or it gets no entry.
    Other(Option<Arc<ServerEntry>>),
}

impl Servers {
    /// Reserves the entry that a server needs when it is configured to `spec`. `before` is its present
    /// configuration, if the server is in the table's services already.
    ///
    /// The caller gives the reservation to [`Self::enter`] or [`Self::discard`].
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn prepare(
        &self,
        ipvs: &Arc<Ipvs>,
        dest: &Dest,
        before: Option<&DestSpec>,
        spec: &DestSpec,
    ) -> Result<Reservation> {
        let new = PacketMatch::of(dest, spec);
        if before.is_some_and(|before| PacketMatch::of(dest, before) == new) {
            return Ok(Reservation::Same);
        }
        let entry = new
            .map(|packet_match| self.entry(ipvs, dest, packet_match))
            .transpose()?
            .inspect(|entry| {
                entry.reserved.fetch_add(1, Relaxed);
            });
        Ok(Reservation::Other(entry))
    }

    /// Gives a server the entry that was reserved for it. From now on packets find the server by this entry only. It may be a
    /// server that has left.
    pub(crate) fn enter(&self, dest: &Dest, reservation: Reservation) {
        let Reservation::Other(entry) = reservation else {
            return;
        };
        if let Some(entry) = &entry {
            entry.servers.fetch_add(1, Relaxed);
            if let Some(mixed) = self.mixed(dest) {
                mixed.fetch_add(1, Relaxed);
            }
        }
        self.leave(dest, &rcu::read_lock());
        dest.is_found.store(entry.is_some(), Relaxed);
        self.replace(dest, entry);
    }

    /// Gives up a reservation that is not needed.
    pub(crate) fn discard(&self, reservation: Reservation) {
        if let Reservation::Other(Some(entry)) = reservation {
            self.release(&entry);
        }
    }

    /// Lets packets not find a server any more. It keeps its entry until [`Self::forget`].
    pub(crate) fn leave(&self, dest: &Dest, guard: &Guard) {
        if !dest.is_found.load(Relaxed) {
            return;
        }
        dest.is_found.store(false, Relaxed);
        if let Some(entry) = dest.entry.load(guard) {
            entry.servers.fetch_sub(1, Relaxed);
            if let Some(mixed) = self.mixed(dest) {
                mixed.fetch_sub(1, Relaxed);
            }
        }
    }

    /// Takes the entry of a server that has left.
    pub(crate) fn forget(&self, dest: &Dest) {
        self.replace(dest, None);
    }

    /// Gives a server that packets do not find by its present entry another one, whose reservation becomes the server's.
    fn replace(&self, dest: &Dest, other: Option<Arc<ServerEntry>>) {
        if let Some(entry) = dest.entry.replace(other) {
            self.release(&entry);
        }
    }

    /// Counts a reservation or a server off an entry. The last one takes the entry out of the table.
    fn release(&self, entry: &ServerEntry) {
        if entry.reserved.fetch_sub(1, Relaxed) == 1 && self.table.remove(&entry.node).is_some() {
            self.count.fetch_sub(1, Relaxed);
        }
    }

    /// The entry for the address of `dest` and `packet_match`. Makes it if there is none.
    fn entry(
        &self,
        ipvs: &Arc<Ipvs>,
        dest: &Dest,
        packet_match: PacketMatch,
    ) -> Result<Arc<ServerEntry>> {
        let (family, addr) = (dest.key.family, dest.key.addr);
        let words = packet_match.hash_words();
        if self.table.bits().is_none() {
            self.resize()?;
        }
        let known = {
            let guard = rcu::read_lock();
            let is_same = |other| other == packet_match;
            let known = self.find(family, addr, words, &guard, is_same);
            known.and_then(Ref::try_clone)
        };
        if let Some(known) = known {
            return Ok(known);
        }
        let entry = ServerEntry::new(family, addr, packet_match);
        let entry = Arc::new(entry, GFP_KERNEL_ACCOUNT)?;
        let hash = self.hash(family, addr, words);
        let guard = rcu::read_lock();
        self.table
            .insert(&entry, field!(ServerEntry, node), hash, &guard, |_, _| {
                false
            })
            .map_err(|_| ENOMEM)?;
        drop(guard);
        let count = self.count.fetch_add(1, Relaxed).wrapping_add(1);
        if self.sizing.is_outgrown(count) {
            Resize::plan(ipvs);
        }
        Ok(entry)
    }
}
