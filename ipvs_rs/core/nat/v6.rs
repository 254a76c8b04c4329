// SPDX-License-Identifier: GPL-2.0

//! Edits of IPv6 headers (RFC 8200) and of the transport header behind them.
//!
//! The IPv6 header has no checksum. The addresses are part of the checksum of the transport
//! protocol.

use super::{corrected, End, Error, L4Checksum, Layout, Remaining};
use crate::addr::Addr;
use crate::checksum::Sum;
use crate::wire::{ipv6, ports::PortsMut};

/// Gives a packet another destination address and port.
///
/// `headers` starts at the network header. `transport` is the offset of the transport header in it,
/// in bytes, behind all extension headers; [`None`] means that there is no transport header, as in
/// a later fragment. `port` is in host order.
///
/// # Errors
///
/// [`Error`]; nothing is changed then.
#[inline]
pub fn dnat_v6(
    headers: &mut [u8],
    transport: Option<usize>,
    protocol: u8,
    addr: Addr,
    port: u16,
    l4: L4Checksum,
) -> Result<Remaining, Error> {
    edit(
        headers,
        transport,
        protocol,
        (End::Destination, addr, port),
        l4,
    )
}

/// Gives a packet another source address and port.
///
/// See [`dnat_v6`].
///
/// # Errors
///
/// [`Error`]; nothing is changed then.
#[inline]
pub fn snat_v6(
    headers: &mut [u8],
    transport: Option<usize>,
    protocol: u8,
    addr: Addr,
    port: u16,
    l4: L4Checksum,
) -> Result<Remaining, Error> {
    edit(headers, transport, protocol, (End::Source, addr, port), l4)
}

#[inline(always)]
fn edit(
    headers: &mut [u8],
    transport: Option<usize>,
    protocol: u8,
    (end, addr, port): (End, Addr, u16),
    l4: L4Checksum,
) -> Result<Remaining, Error> {
    let transport = match transport {
        Some(transport) => transport,
        None => {
            *addr_mut(headers, end).ok_or(Error::TooShort)? = addr.octets();
            return Ok(Remaining::Nothing);
        }
    };
    let layout = Layout::of(protocol)?;
    let fields = Fields::find(headers, transport, layout, end).ok_or(Error::TooShort)?;
    Ok(fields.edit(addr, port, protocol, l4))
}

/// The address of one end in the fixed header, in network order.
fn addr_mut(headers: &mut [u8], end: End) -> Option<&mut [u8; 16]> {
    let header = ipv6::HeaderMut::at_start(headers)?;
    Some(match end {
        End::Source => header.src,
        End::Destination => header.dst,
    })
}

/// The fields of a packet that an edit changes, in network order.
struct Fields<'a> {
    addr: &'a mut [u8; 16],
    port: &'a mut [u8; 2],
    checksum: &'a mut [u8; 2],
}

impl<'a> Fields<'a> {
    #[inline(always)]
    fn find(headers: &'a mut [u8], transport: usize, layout: Layout, end: End) -> Option<Self> {
        let (network, l4) = headers.split_at_mut_checked(transport)?;
        let ports = PortsMut::at_start(l4.get_mut(..layout.header_len)?)?;
        Some(Self {
            addr: addr_mut(network, end)?,
            port: match end {
                End::Source => ports.src,
                End::Destination => ports.dst,
            },
            checksum: layout.checksum_in(ports.rest)?,
        })
    }

    #[inline(always)]
    fn edit(self, addr: Addr, port: u16, protocol: u8, l4: L4Checksum) -> Remaining {
        let (old, new) = (Addr::from_v6(*self.addr), addr);
        let moved = |sum: Sum| sum.replace_v6(old, new);
        let ports = (u16::from_be_bytes(*self.port), port);
        let checksum = u16::from_be_bytes(*self.checksum);
        let (checksum, remaining) = corrected(checksum, protocol, l4, ports, moved);
        *self.addr = addr.octets();
        *self.port = port.to_be_bytes();
        *self.checksum = checksum.to_be_bytes();
        remaining
    }
}
