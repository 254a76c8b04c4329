// SPDX-License-Identifier: GPL-2.0

//! Edits of IPv4 headers (RFC 791) and of the transport header behind them.

use super::{corrected, End, Error, L4Checksum, Layout, Remaining};
use crate::addr::Addr;
use crate::checksum::Sum;
use crate::wire::{ipv4, ports::PortsMut};

/// Gives a packet another destination address and port.
///
/// `headers` starts at the network header, and `transport` is the offset of the transport header in
/// it, in bytes. `port` is in host order.
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

/// Gives a packet another source address and port.
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

/// The fields of a packet that an edit changes, in network order.
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
        let layout = Layout::of(protocol)?;
        Self::find(headers, transport, layout, end).ok_or(Error::TooShort)
    }

    #[inline(always)]
    fn find(headers: &'a mut [u8], transport: usize, layout: Layout, end: End) -> Option<Self> {
        let (network, l4) = headers.split_at_mut_checked(transport)?;
        let network = ipv4::HeaderMut::at_start(network)?;
        let ports = PortsMut::at_start(l4.get_mut(..layout.header_len)?)?;
        let (addr, port) = match end {
            End::Source => (network.src, ports.src),
            End::Destination => (network.dst, ports.dst),
        };
        Some(Self {
            header_checksum: network.checksum,
            addr,
            port,
            l4_checksum: layout.checksum_in(ports.rest)?,
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

/// The length of an IPv4 header in bytes, if it has options.
#[inline]
pub fn options_v4(headers: &[u8]) -> Option<usize> {
    let length = ipv4::header_len(*headers.first()?);
    (length > ipv4::HEADER_LEN).then_some(length)
}

/// Computes the checksum of a whole IPv4 header, which is all that `header` holds.
///
/// Routers fill in some options on the way, and a correction of the checksum would not know what
/// they wrote.
///
/// # Errors
///
/// [`Error::TooShort`] if there is less than a header without options.
pub fn renew_header_checksum(header: &mut [u8]) -> Result<(), Error> {
    *checksum_mut(header)? = [0; 2];
    let sum = Sum::ZERO.add_bytes(header).checksum();
    *checksum_mut(header)? = sum.to_be_bytes();
    Ok(())
}

/// The checksum of an IPv4 header, in network order.
fn checksum_mut(header: &mut [u8]) -> Result<&mut [u8; 2], Error> {
    let fields = ipv4::HeaderMut::at_start(header).ok_or(Error::TooShort)?;
    Ok(fields.checksum)
}
