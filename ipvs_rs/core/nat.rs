// SPDX-License-Identifier: GPL-2.0

//! Edits of headers on their way through the director: those of IPv4 here, those of IPv6 beside.
//!
//! All checksums are corrected, not computed anew, so that damage on the way to the director is
//! still noticed behind it (RFC 1624). An edit happens as a whole or not at all.

pub mod bare;
mod v6;

pub use v6::{decrement_hop_limit, dnat_v6, snat_v6};

use crate::addr::Addr;
use crate::checksum::Sum;
use crate::wire::protocol;

/// Why headers were left as they were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// They are not all there.
    TooShort,
    /// The protocol has no ports that are known here.
    Protocol(u8),
}

/// What the checksum field of the transport header holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum L4Checksum {
    /// The checksum.
    Whole,
    /// The sum of the pseudo header only, which whoever sends the packet completes
    /// (`CHECKSUM_PARTIAL`).
    PseudoHeader,
}

/// What an edit leaves to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remaining {
    /// Nothing.
    Nothing,
    /// The UDP packet had no checksum and is to get one.
    ///
    /// As the C module does: packets without a checksum leave with one.
    UdpChecksum,
    /// The ports of an SCTP packet have changed, and with them its CRC32c.
    ///
    /// As the C module does: it is computed anew. To correct it would be to shift the change over
    /// all that follows it, bit by bit.
    SctpChecksum,
}

/// Which end of a packet is edited.
#[derive(Clone, Copy)]
enum End {
    Source,
    Destination,
}

/// Sends a packet somewhere else: gives it another destination.
///
/// `headers` starts at the network header, `transport` is where the transport header starts in
/// it.
///
/// # Errors
///
/// [`Error`]; nothing is changed then.
#[inline]
pub fn dnat_v4(
    headers: &mut [u8],
    transport: usize,
    protocol: u8,
    addr: Addr,
    port: u16,
    l4: L4Checksum,
) -> Result<Remaining, Error> {
    Fields::locate(headers, transport, protocol, End::Destination)?.edit(addr, port, protocol, l4)
}

/// Lets a packet come from somewhere else: gives it another source.
///
/// See [`dnat_v4`].
///
/// # Errors
///
/// [`Error`]; nothing is changed then.
#[inline]
pub fn snat_v4(
    headers: &mut [u8],
    transport: usize,
    protocol: u8,
    addr: Addr,
    port: u16,
    l4: L4Checksum,
) -> Result<Remaining, Error> {
    Fields::locate(headers, transport, protocol, End::Source)?.edit(addr, port, protocol, l4)
}

/// The fields of a packet that an edit touches.
struct Fields<'a> {
    header_checksum: &'a mut [u8; 2],
    addr: &'a mut [u8; 4],
    port: &'a mut [u8; 2],
    l4_checksum: &'a mut [u8; 2],
}

impl<'a> Fields<'a> {
    #[inline(always)]
    fn locate(
        headers: &'a mut [u8],
        transport: usize,
        protocol: u8,
        end: End,
    ) -> Result<Self, Error> {
        let (len, checksum_at) = layout(protocol)?;
        Self::find(headers, transport, len, checksum_at, end).ok_or(Error::TooShort)
    }

    #[inline(always)]
    fn find(
        headers: &'a mut [u8],
        transport: usize,
        len: usize,
        checksum_at: usize,
        end: End,
    ) -> Option<Self> {
        let (network, l4) = headers.split_at_mut_checked(transport)?;
        let (network, dst) = network.get_mut(..20)?.split_last_chunk_mut()?;
        let (network, src) = network.split_last_chunk_mut()?;
        let (_, header_checksum) = network.split_last_chunk_mut()?;
        let (sport, rest) = l4.get_mut(..len)?.split_first_chunk_mut()?;
        let (dport, rest) = rest.split_first_chunk_mut()?;
        let (addr, port) = match end {
            End::Source => (src, sport),
            End::Destination => (dst, dport),
        };
        Some(Self {
            header_checksum,
            addr,
            port,
            l4_checksum: rest.get_mut(checksum_at..)?.first_chunk_mut()?,
        })
    }

    #[inline(always)]
    fn edit(self, addr: Addr, port: u16, protocol: u8, l4: L4Checksum) -> Result<Remaining, Error> {
        let old_addr = u32::from_be_bytes(*self.addr);
        let new_addr = u32::from_be_bytes(addr.v4());
        let moved = |sum: Sum| sum.remove_u32(old_addr).add_u32(new_addr);

        let header = Sum::from_checksum(u16::from_be_bytes(*self.header_checksum));
        let l4_checksum = u16::from_be_bytes(*self.l4_checksum);
        let ports = (u16::from_be_bytes(*self.port), port);
        let (l4_checksum, remaining) = corrected(l4_checksum, protocol, l4, ports, moved);
        *self.header_checksum = moved(header).checksum().to_be_bytes();
        *self.addr = addr.v4();
        *self.port = port.to_be_bytes();
        *self.l4_checksum = l4_checksum.to_be_bytes();
        Ok(remaining)
    }
}

/// The checksum of a transport header after an edit, and what that leaves to do.
///
/// `ports` are the old and the new one; `moved` puts the new address into a sum in place of the old.
#[inline(always)]
fn corrected(
    checksum: u16,
    protocol: u8,
    l4: L4Checksum,
    (old_port, port): (u16, u16),
    moved: impl Fn(Sum) -> Sum,
) -> (u16, Remaining) {
    match (l4, protocol, checksum) {
        // It is not about addresses, and one that somebody else is to complete is not there yet.
        (L4Checksum::Whole, protocol::SCTP, same) if port != old_port => {
            (same, Remaining::SctpChecksum)
        }
        (_, protocol::SCTP, same) => (same, Remaining::Nothing),
        // Ports are not part of the pseudo header.
        (L4Checksum::PseudoHeader, _, partial) => (
            moved(Sum::from_partial(partial)).partial(),
            Remaining::Nothing,
        ),
        (L4Checksum::Whole, protocol::UDP, 0) => (0, Remaining::UdpChecksum),
        (L4Checksum::Whole, _, checksum) => {
            let sum = moved(Sum::from_checksum(checksum))
                .remove(old_port)
                .add(port);
            let checksum = match protocol {
                protocol::UDP => sum.udp_checksum(),
                _ => sum.checksum(),
            };
            (checksum, Remaining::Nothing)
        }
    }
}

/// The length of the fixed header of a transport protocol, and the place of the checksum behind the
/// ports.
#[inline(always)]
const fn layout(protocol: u8) -> Result<(usize, usize), Error> {
    match protocol {
        protocol::TCP => Ok((20, 12)),
        protocol::UDP => Ok((8, 2)),
        // Its 32 bits are not corrected here; nothing is written.
        protocol::SCTP => Ok((12, 4)),
        other => Err(Error::Protocol(other)),
    }
}

/// The length of an IPv4 header if it has options.
#[inline]
pub fn options_v4(headers: &[u8]) -> Option<usize> {
    let words = usize::from(headers.first()? & 0xF);
    (words > 5).then(|| words.wrapping_mul(4))
}

/// Computes the checksum of a whole IPv4 header, which is all that `header` holds.
///
/// On their way in some options are filled in, without regard to the checksum.
///
/// # Errors
///
/// [`Error::TooShort`] if it is not even a header without options.
pub fn renew_header_checksum(header: &mut [u8]) -> Result<(), Error> {
    let checksum = header.get_mut(10..12).ok_or(Error::TooShort)?;
    checksum.fill(0);
    let sum = Sum::ZERO.add_bytes(header).checksum().to_be_bytes();
    if let Some(checksum) = header.get_mut(10..12) {
        checksum.copy_from_slice(&sum);
    }
    Ok(())
}

/// Why the time to live was left as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TtlError {
    /// The header is not all there.
    TooShort,
    /// The packet may not travel any further.
    Expired,
}

/// Takes one hop from an IPv4 packet; `headers` starts at the network header.
///
/// # Errors
///
/// [`TtlError`]; nothing is changed then.
#[inline]
pub fn decrement_ttl(headers: &mut [u8]) -> Result<(), TtlError> {
    let header: &mut [u8; 20] = headers.first_chunk_mut().ok_or(TtlError::TooShort)?;
    let [_, _, _, _, _, _, _, _, ttl, protocol, c0, c1, ..] = header;
    let new = match *ttl {
        0 | 1 => return Err(TtlError::Expired),
        hops => hops.wrapping_sub(1),
    };
    let [c0_new, c1_new] = Sum::from_checksum(u16::from_be_bytes([*c0, *c1]))
        .remove(u16::from_be_bytes([*ttl, *protocol]))
        .add(u16::from_be_bytes([new, *protocol]))
        .checksum()
        .to_be_bytes();
    (*ttl, *c0, *c1) = (new, c0_new, c1_new);
    Ok(())
}
