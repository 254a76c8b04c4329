// SPDX-License-Identifier: GPL-2.0

//! Address translation: edits of the headers of packets that pass the director.
//!
//! All checksums are corrected by what has changed (RFC 1624) and not computed anew, so that damage
//! from before the director is still noticed behind it. An edit happens as a whole or not at all.

pub mod bare;
mod hops;
mod onward;
mod v4;
mod v6;

pub use hops::{decrement_hop_limit, decrement_ttl, TtlError};
pub use onward::{onward_v4, onward_v6, Side};
pub use v4::{dnat_v4, options_v4, renew_header_checksum, snat_v4};
pub use v6::{dnat_v6, snat_v6};

use crate::checksum::Sum;
use crate::wire::{
    ports::Ports,
    protocol::{SCTP, TCP, UDP},
    sctp, tcp, udp,
};

/// Why headers were left as they were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The headers are not all there.
    TooShort,
    /// The transport protocol with this number has no ports that are known here.
    Protocol(u8),
}

/// What the checksum field of the transport header holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum L4Checksum {
    /// The checksum.
    Whole,
    /// Only the sum of the pseudo header. The device that sends the packet completes it
    /// (`CHECKSUM_PARTIAL`).
    PseudoHeader,
}

/// What the caller has still to do after an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remaining {
    /// Nothing.
    Nothing,
    /// The UDP packet had no checksum and is to get one.
    ///
    /// As the C module does: packets without a checksum leave with one.
    UdpChecksum,
    /// The ports of an SCTP packet have changed, so its CRC32c must be computed anew.
    ///
    /// As the C module does. A correction would have to carry the change through all bytes behind
    /// the ports.
    SctpChecksum,
}

/// The end of a packet that an edit changes.
#[derive(Clone, Copy)]
pub(crate) enum End {
    /// Source address and source port.
    Source,
    /// Destination address and destination port.
    Destination,
}

/// Where the fields of a transport header are.
#[derive(Clone, Copy)]
struct Layout {
    /// The length of the fixed header, in bytes.
    header_len: usize,
    /// Where the checksum is, in bytes behind the ports.
    checksum: usize,
}

impl Layout {
    #[inline(always)]
    const fn new(header_len: usize, checksum: usize) -> Self {
        Self {
            header_len,
            checksum: checksum.saturating_sub(Ports::LEN),
        }
    }

    /// The layout of a protocol with ports.
    #[inline(always)]
    const fn of(protocol: u8) -> Result<Self, Error> {
        match protocol {
            TCP => Ok(Self::new(tcp::HEADER_LEN, tcp::CHECKSUM)),
            UDP => Ok(Self::new(udp::HEADER_LEN, udp::CHECKSUM)),
            // The first half of a CRC32c, which an edit writes back unchanged.
            SCTP => Ok(Self::new(sctp::HEADER_LEN, sctp::CHECKSUM)),
            other => Err(Error::Protocol(other)),
        }
    }

    /// The checksum in the bytes behind the ports, in network order.
    #[inline(always)]
    fn checksum_in(self, behind_ports: &mut [u8]) -> Option<&mut [u8; 2]> {
        behind_ports.get_mut(self.checksum..)?.first_chunk_mut()
    }
}

/// The checksum of a transport header after an edit, and what the caller has still to do.
///
/// `old_port` and `port` are in host order. `moved` replaces the old address by the new one in a
/// sum.
#[inline(always)]
fn corrected(
    checksum: u16,
    protocol: u8,
    l4: L4Checksum,
    (old_port, port): (u16, u16),
    moved: impl Fn(Sum) -> Sum,
) -> (u16, Remaining) {
    match (l4, protocol, checksum) {
        // A CRC32c covers no addresses. One that a device is to complete is not there yet.
        (L4Checksum::Whole, SCTP, same) if port != old_port => (same, Remaining::SctpChecksum),
        (_, SCTP, same) => (same, Remaining::Nothing),
        // Ports are not part of the pseudo header.
        (L4Checksum::PseudoHeader, _, partial) => (
            moved(Sum::from_partial(partial)).partial(),
            Remaining::Nothing,
        ),
        (L4Checksum::Whole, UDP, 0) => (0, Remaining::UdpChecksum),
        (L4Checksum::Whole, _, checksum) => {
            let sum = moved(Sum::from_checksum(checksum))
                .remove(old_port)
                .add(port);
            let checksum = match protocol {
                UDP => sum.udp_checksum(),
                _ => sum.checksum(),
            };
            (checksum, Remaining::Nothing)
        }
    }
}
