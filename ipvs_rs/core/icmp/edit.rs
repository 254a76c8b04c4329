// SPDX-License-Identifier: GPL-2.0

//! Translation of ICMP errors.

use super::{Endpoint, Report};
use crate::addr::{Addr, Family};
use crate::checksum::Sum;
use crate::nat::{End, Error};
use crate::wire::{icmp, ipv4, ipv6, ports};

/// Sends an error to a real server: the server becomes the destination of the error and the source
/// of the quoted packet.
///
/// `headers` starts at the network header and holds [`Report::headers`] bytes. The checksums of the
/// headers are corrected and not computed anew. The transport checksum of the quoted packet stays as
/// it is, because most of the bytes that it covers are not there.
///
/// # Errors
///
/// [`Error::TooShort`]. Some bytes may have changed then, and the packet must be dropped.
pub fn to_server(headers: &mut [u8], report: &Report, server: Endpoint) -> Result<(), Error> {
    translate(headers, report, server, End::Destination).ok_or(Error::TooShort)
}

/// Sends an error to a client: the virtual service becomes the source of the error and the
/// destination of the quoted packet.
///
/// See [`to_server`].
///
/// # Errors
///
/// [`Error::TooShort`]. Some bytes may have changed then, and the packet must be dropped.
pub fn to_client(headers: &mut [u8], report: &Report, service: Endpoint) -> Result<(), Error> {
    translate(headers, report, service, End::Source).ok_or(Error::TooShort)
}

/// The end of the quoted packet that corresponds to `end` of the error.
const fn opposite(end: End) -> End {
    match end {
        End::Source => End::Destination,
        End::Destination => End::Source,
    }
}

/// Replaces `end` of the error and the opposite end of the quoted packet by `new`.
fn translate(headers: &mut [u8], report: &Report, new: Endpoint, end: End) -> Option<()> {
    let family = report.outer.family;
    let (outside, message) = headers.split_at_mut_checked(report.message())?;
    let quoted_at = report.embedded.checked_sub(report.message())?;
    let (header, quoted) = message.split_at_mut_checked(quoted_at)?;
    let (network, ports) = quoted.split_at_mut_checked(report.about.transport)?;
    let checksum = icmp::checksum_mut(header)?;
    let mut sum = Sum::from_checksum(u16::from_be_bytes(*checksum));

    let moved = replace_addr(outside, family, end, new.addr)?;
    if family == Family::V6 {
        // The addresses are part of the pseudo header of ICMPv6.
        sum = moved.apply(sum);
    }
    let moved = replace_addr(network, family, opposite(end), new.addr)?;
    sum = moved.apply(sum);
    if let Some((old, new)) = moved.header_checksum {
        sum = sum.remove(old).add(new);
    }
    if report.has_ports() {
        let port = match opposite(end) {
            End::Source => ports::src_mut(ports)?,
            End::Destination => ports::dst_mut(ports)?,
        };
        let old = u16::from_be_bytes(core::mem::replace(port, new.port.to_be_bytes()));
        sum = sum.remove(old).add(new.port);
    }
    *checksum = sum.checksum().to_be_bytes();
    Some(())
}

/// What changed in a network header.
struct Moved {
    family: Family,
    from: Addr,
    to: Addr,
    /// The checksum of an IPv4 header, before and after, in host order.
    header_checksum: Option<(u16, u16)>,
}

impl Moved {
    /// Corrects a sum that has the address in it.
    fn apply(&self, sum: Sum) -> Sum {
        match self.family {
            Family::V4 => sum
                .remove_u32(u32::from_be_bytes(self.from.v4()))
                .add_u32(u32::from_be_bytes(self.to.v4())),
            Family::V6 => sum.replace_v6(self.from, self.to),
        }
    }
}

/// Replaces one address of a network header, and corrects the checksum of an IPv4 header.
fn replace_addr(header: &mut [u8], family: Family, end: End, to: Addr) -> Option<Moved> {
    match family {
        Family::V4 => replace_v4(ipv4::HeaderMut::at_start(header)?, end, to),
        Family::V6 => replace_v6(ipv6::HeaderMut::at_start(header)?, end, to),
    }
}

fn replace_v4(header: ipv4::HeaderMut<'_>, end: End, to: Addr) -> Option<Moved> {
    let field = match end {
        End::Source => header.src,
        End::Destination => header.dst,
    };
    let mut moved = Moved {
        family: Family::V4,
        from: Addr::from_v4(core::mem::replace(field, to.v4())),
        to,
        header_checksum: None,
    };
    let old = u16::from_be_bytes(*header.checksum);
    let new = moved.apply(Sum::from_checksum(old)).checksum();
    *header.checksum = new.to_be_bytes();
    moved.header_checksum = Some((old, new));
    Some(moved)
}

fn replace_v6(header: ipv6::HeaderMut<'_>, end: End, to: Addr) -> Option<Moved> {
    let field = match end {
        End::Source => header.src,
        End::Destination => header.dst,
    };
    Some(Moved {
        family: Family::V6,
        from: Addr::from_v6(core::mem::replace(field, to.octets())),
        to,
        header_checksum: None,
    })
}
