// SPDX-License-Identifier: GPL-2.0

//! A virtual service: what identifies it, and what can be changed of it.

use super::{Name, Netmask};
use crate::addr::{Addr, Family};
use crate::uapi::service_flags;
use crate::wire::protocol::TCP;

/// What identifies a virtual service in its network namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ServiceKey {
    /// Packets to an address.
    Address {
        /// The family of `addr`.
        family: Family,
        /// The number of the transport protocol. Any number can be configured; only TCP, UDP and
        /// SCTP get packets.
        protocol: u16,
        /// The virtual address, in network order.
        addr: Addr,
        /// The virtual port in host order; 0 for all ports.
        port: u16,
    },
    /// Packets with a firewall mark.
    Mark {
        /// The family of the packets.
        family: Family,
        /// The mark, which is not 0.
        mark: u32,
    },
}

impl ServiceKey {
    /// The service of packets with `mark`.
    ///
    /// As the C module does: the mark 0 is no mark. It names the TCP service of the unspecified
    /// address and port 0.
    pub const fn from_mark(family: Family, mark: u32) -> Self {
        if mark == 0 {
            Self::Address {
                family,
                protocol: TCP as u16,
                addr: Addr::ZERO,
                port: 0,
            }
        } else {
            Self::Mark { family, mark }
        }
    }

    /// The family of the packets.
    pub const fn family(&self) -> Family {
        match self {
            Self::Address { family, .. } | Self::Mark { family, .. } => *family,
        }
    }
}

/// A change of service flags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlagChange {
    /// The new values of the flags; see [`service_flags`].
    pub value: u32,
    /// The flags that get a new value.
    pub mask: u32,
}

impl FlagChange {
    /// The flags after the change; those of a new service are 0 before.
    ///
    /// [`HASHED`](service_flags::HASHED) is not stored: [`reply`](super::reply) adds it to every
    /// service.
    pub const fn apply(self, old: u32) -> u32 {
        ((old & !self.mask) | (self.value & self.mask)) & !service_flags::HASHED
    }
}

/// All that can be changed of a virtual service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceSpec {
    /// The scheduler; [`None`] for the name `none`, which means no scheduler.
    pub scheduler: Option<Name>,
    /// The persistence engine, if there is one.
    pub pe: Option<Name>,
    /// The change of the service's flags.
    pub flags: FlagChange,
    /// How long a client keeps its server, in seconds.
    pub timeout: u32,
    /// Which clients are one client for persistence.
    pub netmask: Netmask,
    /// What a service with a firewall mark was configured for.
    pub nominal: NominalTarget,
}

/// The protocol, address and port that a service with a firewall mark was configured with.
///
/// They have no effect: such a service takes packets of all protocols to any address. Only the
/// sockopt interface sets and shows them, and no edit changes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NominalTarget {
    /// The number of the protocol; TCP unless a socket option said another one.
    pub protocol: u16,
    /// The address, in network order.
    pub addr: Addr,
    /// The port, in host order.
    pub port: u16,
}
