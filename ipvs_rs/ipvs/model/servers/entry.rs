// SPDX-License-Identifier: GPL-2.0

//! An entry in the table of servers.

use core::sync::atomic::{AtomicU32, AtomicUsize};
use ipvs_core::addr::{Addr, Family};
use knet::hashtable::Node;

use super::packet_match::PacketMatch;

/// One entry stands for all servers with this address and [`PacketMatch`], which may be in many services.
///
/// The hash of an entry never changes, so a reader never leaves its bucket. A server that is configured to another
/// [`PacketMatch`] gets another entry.
pub(crate) struct ServerEntry {
    pub(super) node: Node<ServerEntry>,
    family: Family,
    addr: Addr,
    pub(super) packet_match: PacketMatch,
    /// The number of servers that packets find by this entry. Packets find the entry while it is not 0. Changed under the
    /// configuration lock.
    pub(super) servers: AtomicUsize,
    /// The number of servers, deleted ones too, and of [`Reservation`](super::Reservation)s that have this entry. The entry
    /// leaves the table when it becomes 0. Changed under the configuration lock.
    pub(super) reserved: AtomicUsize,
    /// The hash of a service that has the server and whose servers may begin a conversation: where the last packet found one.
    /// Changed by packets.
    pub(crate) begun: AtomicU32,
}

impl ServerEntry {
    /// An entry without servers that is not in the table yet.
    pub(super) fn new(family: Family, addr: Addr, packet_match: PacketMatch) -> Self {
        Self {
            node: Node::new(0),
            family,
            addr,
            packet_match,
            servers: AtomicUsize::new(0),
            reserved: AtomicUsize::new(0),
            begun: AtomicU32::new(0),
        }
    }

    /// Whether the entry is for this address.
    pub(super) fn has(&self, family: Family, addr: Addr) -> bool {
        self.family == family && self.addr == addr
    }
}
