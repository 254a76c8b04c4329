// SPDX-License-Identifier: GPL-2.0

//! Packets inside packets: what is put before the packet of a client on its way to a server.
//!
//! ```text
//!   IPIP  | outer IP |                               | inner packet    RFC 2003, 2473, 4213
//!   GUE   | outer IP | UDP | GUE (private options)   | inner packet    draft-ietf-intarea-gue
//!   GRE   | outer IP | GRE (checksum)                | inner packet    RFC 2784
//! ```

mod gue;
mod outer;

pub use gue::{gue, RemoteChecksum, GUE_REMOTE};
pub use outer::{write_v4, write_v6, Inner, Outer};

use crate::addr::Family;
use crate::config;
use crate::uapi::tunnel as number;
use crate::wire::{
    gre, gue as gue_wire, ipv4, ipv6,
    protocol::{GRE, IPIP, IPV6, UDP},
    udp,
};

/// In [`config::Tunnel::flags`]: a checksum over the inner packet.
const CHECKSUM: u16 = 1;
/// In [`config::Tunnel::flags`]: the inner transport checksum is left to the server.
const REMOTE: u16 = 2;

// CAST: lengths of headers.
const UDP_HEADER: u32 = udp::HEADER_LEN as u32;
const GUE_HEADER: u32 = gue_wire::HEADER_LEN as u32;
const GRE_HEADER: u32 = gre::HEADER_LEN as u32;
const GRE_CHECKSUM: u32 = gre::CHECKSUM_LEN as u32;

/// How packets are wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrapping {
    /// IP in IP.
    Ip,
    /// Generic UDP encapsulation.
    Gue {
        /// The UDP port of the server.
        port: u16,
        /// Whether the outer UDP header has a checksum.
        checksum: bool,
        /// Whether the inner transport checksum is left to the server if it is not there yet.
        remote: bool,
    },
    /// Generic routing encapsulation.
    Gre {
        /// Whether the GRE header has a checksum.
        checksum: bool,
    },
}

impl Wrapping {
    /// What a server was configured to.
    ///
    /// As the C module does: what it does not know acts as IP in IP, and the remote checksum
    /// offload brings the outer checksum with it.
    #[inline]
    pub const fn of(tunnel: config::Tunnel) -> Self {
        match tunnel.kind {
            number::GUE => Self::Gue {
                port: tunnel.port,
                checksum: tunnel.flags & (CHECKSUM | REMOTE) != 0,
                remote: tunnel.flags & REMOTE != 0,
            },
            number::GRE => Self::Gre {
                checksum: tunnel.flags & CHECKSUM != 0,
            },
            _ => Self::Ip,
        }
    }

    /// The length of all that is put between the inner and the outer IP header, for a packet
    /// whose transport checksum is there or `partial`.
    #[inline]
    pub const fn length(self, partial: bool) -> u32 {
        match self {
            Self::Ip => 0,
            Self::Gue { remote: true, .. } if partial => UDP_HEADER.wrapping_add(gue_header(true)),
            Self::Gue { .. } => UDP_HEADER.wrapping_add(gue_header(false)),
            Self::Gre { checksum: true } => GRE_HEADER + GRE_CHECKSUM,
            Self::Gre { checksum: false } => GRE_HEADER,
        }
    }

    /// What the outer IP header calls its payload.
    #[inline]
    pub const fn protocol(self, inner: Family) -> u8 {
        match self {
            Self::Ip => ip_protocol(inner),
            Self::Gue { .. } => UDP,
            Self::Gre { .. } => GRE,
        }
    }
}

/// The protocol number of a packet of `family` inside another.
#[inline]
pub const fn ip_protocol(family: Family) -> u8 {
    match family {
        Family::V4 => IPIP,
        Family::V6 => IPV6,
    }
}

/// The length of a GUE header, with the option of remote checksum offload or without.
#[inline]
pub const fn gue_header(remote: bool) -> u32 {
    match remote {
        true => GUE_HEADER + GUE_REMOTE,
        false => GUE_HEADER,
    }
}

/// The length of an outer IP header.
#[inline]
pub const fn header(outer: Family) -> u32 {
    match outer {
        // CAST: lengths of headers.
        Family::V4 => ipv4::HEADER_LEN as u32,
        Family::V6 => ipv6::HEADER_LEN as u32,
    }
}

/// The largest packet that fits into a tunnel of `overhead` bytes, on a way that takes `mtu`.
///
/// Returns [`None`] where that is less than any link of the outer family takes.
#[inline]
pub const fn inner_mtu(mtu: u32, outer: Family, overhead: u32) -> Option<u32> {
    let least = match outer {
        Family::V4 => ipv4::MIN_MTU,
        Family::V6 => ipv6::MIN_MTU,
    };
    match mtu.checked_sub(overhead) {
        Some(inner) if inner >= least => Some(inner),
        _ => None,
    }
}
