// SPDX-License-Identifier: GPL-2.0

//! What a packet must show, besides the address of a server, to be a packet from or to that server.

use ipvs_core::{
    config::{DestSpec, ServiceKey},
    conn::{ConnFlags, Method},
    tunnel::Wrapping,
};

use crate::model::dest::Dest;

/// What a packet from or to a server shows besides the address of the server.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum PacketMatch {
    /// NAT: the source port of the packet in host order, and its protocol. [`None`] stands for any protocol.
    Source(u16, Option<u16>),
    /// Tunnel: the outer headers of the packet.
    Tunnel(Wrapping),
}

impl PacketMatch {
    /// What packets show of `dest` when it is configured to `spec`; [`None`] with direct routing and for the
    /// director itself.
    pub(super) fn of(dest: &Dest, spec: &DestSpec) -> Option<Self> {
        let protocol = match dest.service {
            ServiceKey::Address { protocol, .. } => Some(protocol),
            ServiceKey::Mark { .. } => None,
        };
        match ConnFlags::for_server(spec.conn_flags()).method() {
            Method::Nat => Some(Self::Source(dest.key.port, protocol)),
            Method::Tunnel => Some(Self::Tunnel(Wrapping::of(spec.tunnel()))),
            _ => None,
        }
    }

    /// The part of this that the hash depends on.
    pub(super) fn hash_words(self) -> HashWords {
        match self {
            Self::Source(port, _) => HashWords::source(port),
            Self::Tunnel(Wrapping::Gue { port, .. }) => HashWords::tunnel(port),
            Self::Tunnel(Wrapping::Ip | Wrapping::Gre { .. }) => HashWords::tunnel(0),
        }
    }
}

/// The part of a [`PacketMatch`] that every packet shows, and that the hash therefore depends on.
#[derive(Clone, Copy)]
pub(super) struct HashWords {
    /// 0 for a source, 1 for a tunnel.
    pub(super) kind: u16,
    /// Host order; 0 for tunnels without a port.
    pub(super) port: u16,
}

impl HashWords {
    /// The words of a server with NAT, from its port.
    pub(super) const fn source(port: u16) -> Self {
        Self { kind: 0, port }
    }

    /// The words of a tunnel, from the port of its outer UDP header.
    pub(super) const fn tunnel(port: u16) -> Self {
        Self { kind: 1, port }
    }
}
