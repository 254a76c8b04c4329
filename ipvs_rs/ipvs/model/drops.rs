// SPDX-License-Identifier: GPL-2.0

//! Why packets and connections were given up, counted: nothing is dropped in silence.

use kernel::prelude::*;
use knet::percpu::Counters;

/// Why something was given up.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Reason {
    /// A packet that ends within its headers.
    Truncated,
    /// An ICMP error whose checksum is wrong.
    BadChecksum,
    /// A packet to a service without a server for it.
    NoServer,
    /// A packet of a connection whose server was deleted.
    ServerDeleted,
    /// A packet to a service that was just deleted.
    ServiceDeleted,
    /// A new connection, where there were as many as there may be.
    ConnMax,
    /// A new connection, without memory for it.
    NoMemory,
    /// A new connection, as the sysctl `drop_packet` wants it.
    DropPacket,
    /// A connection that lived, as the sysctl `drop_entry` wants it.
    DropEntry,
    /// A packet of a server that nobody waits for, as the sysctl `nat_icmp_send` wants it.
    Unasked,
    /// A packet that would open a connection where one has just ended, but is tracked as one of that.
    Tracked,
    /// A fragment that does not fit to the others of its packet, or that came twice.
    Fragment,
    /// A packet that could not be sent on: no route, too large, too old, or not translatable.
    NotSent,
}

/// The reasons, in the order of their numbers, and how they are called.
const REASONS: [(Reason, &str); 13] = [
    (Reason::Truncated, "truncated"),
    (Reason::BadChecksum, "bad_checksum"),
    (Reason::NoServer, "no_server"),
    (Reason::ServerDeleted, "server_deleted"),
    (Reason::ServiceDeleted, "service_deleted"),
    (Reason::ConnMax, "conn_max"),
    (Reason::NoMemory, "no_memory"),
    (Reason::DropPacket, "drop_packet"),
    (Reason::DropEntry, "drop_entry"),
    (Reason::Unasked, "unasked"),
    (Reason::Tracked, "tracked"),
    (Reason::Fragment, "fragment"),
    (Reason::NotSent, "not_sent"),
];

/// How often something was given up in a namespace, for each reason.
pub(crate) struct Drops(Counters<{ REASONS.len() }>);

impl Drops {
    /// Never.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new() -> Result<Self> {
        Ok(Self(Counters::new()?))
    }

    /// Counts one.
    #[cold]
    pub(crate) fn count(&self, reason: Reason) {
        // CAST: The enum says that it is one.
        self.0.increment(reason as usize);
    }

    /// What each reason is called, and how often it was one.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let names = REASONS.iter().map(|&(_, name)| name);
        names.zip(self.0.sums())
    }
}
