// SPDX-License-Identifier: GPL-2.0

//! Tunnels: the headers that are put before the packet of a client on its way to a server.
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
/// In [`config::Tunnel::flags`]: the server completes the inner transport checksum.
const REMOTE: u16 = 2;

// CAST: lengths of headers.
const UDP_HEADER: u32 = udp::HEADER_LEN as u32;
const GUE_HEADER: u32 = gue_wire::HEADER_LEN as u32;
const GRE_HEADER: u32 = gre::HEADER_LEN as u32;
const GRE_CHECKSUM: u32 = gre::CHECKSUM_LEN as u32;

/// The encapsulation of the packets in a tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrapping {
    /// IP in IP.
    Ip,
    /// Generic UDP encapsulation.
    Gue {
        /// The UDP port of the server, in host order.
        port: u16,
        /// Whether the outer UDP header has a checksum.
        checksum: bool,
        /// Whether the server completes the inner transport checksum, if it is partial.
        remote: bool,
    },
    /// Generic routing encapsulation.
    Gre {
        /// Whether the GRE header has a checksum.
        checksum: bool,
    },
}

impl Wrapping {
    /// The encapsulation of a configured tunnel.
    ///
    /// As the C module does: an unknown kind acts as IP in IP, and remote checksum offload implies the
    /// outer checksum.
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

    /// The length of all headers between the outer and the inner IP header, in bytes. `partial` says
    /// that the transport checksum of the packet is still to be completed.
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

    /// The protocol number in the outer IP header, for an inner packet of this family.
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

/// The length of a GUE header in bytes, with or without the option of remote checksum offload.
#[inline]
pub const fn gue_header(remote: bool) -> u32 {
    match remote {
        true => GUE_HEADER + GUE_REMOTE,
        false => GUE_HEADER,
    }
}

/// The length of an outer IP header, in bytes.
#[inline]
pub const fn header(outer: Family) -> u32 {
    match outer {
        // CAST: lengths of headers.
        Family::V4 => ipv4::HEADER_LEN as u32,
        Family::V6 => ipv6::HEADER_LEN as u32,
    }
}

/// The MTU of a tunnel with `overhead` bytes of headers, over a path with this `mtu`, in bytes.
///
/// Returns [`None`] if that is less than the smallest MTU of the outer family.
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
