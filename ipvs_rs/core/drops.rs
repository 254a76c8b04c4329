// SPDX-License-Identifier: GPL-2.0

//! The reasons for which packets and connections are given up, and the names under which they are counted.

/// Why a packet or a connection was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Reason {
    /// A packet that ends within its headers.
    Truncated,
    /// An ICMP error, or a packet for a helper, whose checksum is wrong.
    BadChecksum,
    /// A packet to a service that has no server for it.
    NoServer,
    /// A packet of a connection whose server was deleted.
    ServerDeleted,
    /// A packet to a service that was deleted while the packet was scheduled.
    ServiceDeleted,
    /// A new connection above the limit of the sysctl `conn_max`.
    ConnMax,
    /// A new connection for which there was no memory.
    NoMemory,
    /// A new connection that the defence of the sysctl `drop_packet` refused.
    DropPacket,
    /// A connection that the defence of the sysctl `drop_entry` ended.
    DropEntry,
    /// A packet of a server that belongs to no connection, where the sysctl `nat_icmp_send` is set.
    Unasked,
    /// A packet that would open a connection in the place of an ended one, to which connection tracking has assigned the
    /// packet.
    Tracked,
    /// A fragment that does not fit to the others of its packet, or that came twice.
    Fragment,
    /// A packet that could not be sent on: no route, too large, hop limit reached, or not translatable.
    NotSent,
    /// A packet that its helper refuses, or has no memory for.
    Helper,
    /// A packet to a persistent service in which the persistence engine finds no data.
    Engine,
}

impl Reason {
    /// All reasons, in the order of their numbers.
    pub const ALL: [Self; 15] = [
        Self::Truncated,
        Self::BadChecksum,
        Self::NoServer,
        Self::ServerDeleted,
        Self::ServiceDeleted,
        Self::ConnMax,
        Self::NoMemory,
        Self::DropPacket,
        Self::DropEntry,
        Self::Unasked,
        Self::Tracked,
        Self::Fragment,
        Self::NotSent,
        Self::Helper,
        Self::Engine,
    ];

    /// The name in `/proc/net/ip_vs_drops`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::BadChecksum => "bad_checksum",
            Self::NoServer => "no_server",
            Self::ServerDeleted => "server_deleted",
            Self::ServiceDeleted => "service_deleted",
            Self::ConnMax => "conn_max",
            Self::NoMemory => "no_memory",
            Self::DropPacket => "drop_packet",
            Self::DropEntry => "drop_entry",
            Self::Unasked => "unasked",
            Self::Tracked => "tracked",
            Self::Fragment => "fragment",
            Self::NotSent => "not_sent",
            Self::Helper => "helper",
            Self::Engine => "engine",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_the_reasons_are_their_places_in_the_list() {
        for (place, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, place);
        }
    }
}
