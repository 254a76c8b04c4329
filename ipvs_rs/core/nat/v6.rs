// SPDX-License-Identifier: GPL-2.0

//! Edits of IPv6 headers (RFC 8200) on their way through the director.
//!
//! There is no header checksum; the addresses are part of the checksum of the transport protocol.

use super::{corrected, layout, End, Error, L4Checksum, Remaining, TtlError};
use crate::addr::Addr;
use crate::checksum::Sum;

/// The length of the fixed header.
const HEADER: usize = 40;

/// Sends a packet somewhere else: gives it another destination.
///
/// `headers` starts at the network header, `transport` is where the transport header starts in
/// it, behind all extension headers. In a later fragment there is none, and [`None`] says so.
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

/// Lets a packet come from somewhere else: gives it another source.
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
            let field = addr_field(headers.get_mut(..HEADER), end).ok_or(Error::TooShort)?;
            *field = addr.octets();
            return Ok(Remaining::Nothing);
        }
    };
    let (len, checksum_at) = layout(protocol)?;
    let fields = Fields::find(headers, transport, len, checksum_at, end).ok_or(Error::TooShort)?;
    Ok(fields.edit(addr, port, protocol, l4))
}

/// An address in the fixed header.
fn addr_field(header: Option<&mut [u8]>, end: End) -> Option<&mut [u8; 16]> {
    let (header, dst) = header?.split_last_chunk_mut()?;
    match end {
        End::Source => header.last_chunk_mut(),
        End::Destination => Some(dst),
    }
}

/// The fields of a packet that an edit touches.
struct Fields<'a> {
    addr: &'a mut [u8; 16],
    port: &'a mut [u8; 2],
    checksum: &'a mut [u8; 2],
}

impl<'a> Fields<'a> {
    #[inline(always)]
    fn find(
        headers: &'a mut [u8],
        transport: usize,
        len: usize,
        checksum_at: usize,
        end: End,
    ) -> Option<Self> {
        let (network, l4) = headers.split_at_mut_checked(transport)?;
        let (sport, rest) = l4.get_mut(..len)?.split_first_chunk_mut()?;
        let (dport, rest) = rest.split_first_chunk_mut()?;
        Some(Self {
            addr: addr_field(network.get_mut(..HEADER), end)?,
            port: match end {
                End::Source => sport,
                End::Destination => dport,
            },
            checksum: rest.get_mut(checksum_at..)?.first_chunk_mut()?,
        })
    }

    #[inline(always)]
    fn edit(self, addr: Addr, port: u16, protocol: u8, l4: L4Checksum) -> Remaining {
        let (old, new) = (Addr::from_v6(*self.addr), addr);
        let moved = |sum: Sum| sum.remove_v6(old).add_v6(new);
        let ports = (u16::from_be_bytes(*self.port), port);
        let checksum = u16::from_be_bytes(*self.checksum);
        let (checksum, remaining) = corrected(checksum, protocol, l4, ports, moved);
        *self.addr = addr.octets();
        *self.port = port.to_be_bytes();
        *self.checksum = checksum.to_be_bytes();
        remaining
    }
}

/// Takes one hop from an IPv6 packet; `headers` starts at the network header.
///
/// # Errors
///
/// [`TtlError`]; nothing is changed then.
#[inline]
pub fn decrement_hop_limit(headers: &mut [u8]) -> Result<(), TtlError> {
    let [_, _, _, _, _, _, _, limit]: &mut [u8; 8] =
        headers.first_chunk_mut().ok_or(TtlError::TooShort)?;
    *limit = match *limit {
        0 | 1 => return Err(TtlError::Expired),
        hops => hops.wrapping_sub(1),
    };
    Ok(())
}
