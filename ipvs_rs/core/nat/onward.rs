// SPDX-License-Identifier: GPL-2.0

//! The edits of a plain packet that is translated and forwarded, in one go: another end, and one hop less.
//!
//! The bytes are those that the single edits ([`dnat_v4`](super::dnat_v4) and its kin, and
//! [`decrement_ttl`](super::decrement_ttl) or [`decrement_hop_limit`](super::decrement_hop_limit)) leave, for less: the
//! checksum of the IPv4 header is folded once.

use super::{corrected, Error, L4Checksum, Layout, Remaining};
use crate::addr::Addr;
use crate::checksum::Sum;
use crate::wire::{ipv4, ipv6, ports::PortsMut};

/// One hop less, as a word to add to a sum: the time to live is the upper byte of its word.
const ONE_HOP_LESS: u16 = !0x0100;

/// The end of a packet that gets another address and port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Source address and port: packets of servers.
    Source,
    /// Destination address and port: packets of clients.
    Destination,
}

/// Gives a plain packet of IPv4 another address and port (host order) at `side`, and takes one hop. `headers` starts at the
/// network header, which has no options, and more than one hop is left.
///
/// # Errors
///
/// [`Error`]; nothing is changed then.
#[inline(always)]
pub fn onward_v4(
    headers: &mut [u8],
    side: Side,
    protocol: u8,
    (addr, port): (Addr, u16),
    l4: L4Checksum,
) -> Result<Remaining, Error> {
    let layout = Layout::of(protocol)?;
    let (network, l4_header) = headers
        .split_first_chunk_mut::<{ ipv4::HEADER_LEN }>()
        .ok_or(Error::TooShort)?;
    let l4_header = l4_header
        .get_mut(..layout.header_len)
        .ok_or(Error::TooShort)?;
    let network = ipv4::HeaderMut::at_start(network).ok_or(Error::TooShort)?;
    let ports = PortsMut::at_start(l4_header).ok_or(Error::TooShort)?;
    let (old_addr, old_port) = match side {
        Side::Source => (network.src, ports.src),
        Side::Destination => (network.dst, ports.dst),
    };
    let checksum = layout.checksum_in(ports.rest).ok_or(Error::TooShort)?;

    let (old, new) = (u32::from_be_bytes(*old_addr), u32::from_be_bytes(addr.v4()));
    let moved = |sum: Sum| sum.remove_u32(old).add_u32(new);
    let header = Sum::from_checksum(u16::from_be_bytes(*network.checksum)).add(ONE_HOP_LESS);
    let both = (u16::from_be_bytes(*old_port), port);
    let (l4_sum, remaining) = corrected(u16::from_be_bytes(*checksum), protocol, l4, both, moved);
    *network.checksum = moved(header).checksum().to_be_bytes();
    *network.ttl = network.ttl.wrapping_sub(1);
    *old_addr = addr.v4();
    *old_port = port.to_be_bytes();
    *checksum = l4_sum.to_be_bytes();
    Ok(remaining)
}

/// Does the same as [`onward_v4`] to a packet of IPv6 without extension headers.
///
/// # Errors
///
/// [`Error`]; nothing is changed then.
#[inline(always)]
pub fn onward_v6(
    headers: &mut [u8],
    side: Side,
    protocol: u8,
    (addr, port): (Addr, u16),
    l4: L4Checksum,
) -> Result<Remaining, Error> {
    let layout = Layout::of(protocol)?;
    let (network, l4_header) = headers
        .split_first_chunk_mut::<{ ipv6::HEADER_LEN }>()
        .ok_or(Error::TooShort)?;
    let l4_header = l4_header
        .get_mut(..layout.header_len)
        .ok_or(Error::TooShort)?;
    let network = ipv6::HeaderMut::at_start(network).ok_or(Error::TooShort)?;
    let ports = PortsMut::at_start(l4_header).ok_or(Error::TooShort)?;
    let (old_addr, old_port) = match side {
        Side::Source => (network.src, ports.src),
        Side::Destination => (network.dst, ports.dst),
    };
    let checksum = layout.checksum_in(ports.rest).ok_or(Error::TooShort)?;

    let old = Addr::from_v6(*old_addr);
    let moved = |sum: Sum| sum.replace_v6(old, addr);
    let both = (u16::from_be_bytes(*old_port), port);
    let (l4_sum, remaining) = corrected(u16::from_be_bytes(*checksum), protocol, l4, both, moved);
    *network.hop_limit = network.hop_limit.wrapping_sub(1);
    *old_addr = addr.octets();
    *old_port = port.to_be_bytes();
    *checksum = l4_sum.to_be_bytes();
    Ok(remaining)
}
