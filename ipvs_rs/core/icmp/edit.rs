// SPDX-License-Identifier: GPL-2.0

//! Translation of ICMP errors.

use super::{Endpoint, Report};
use crate::addr::{Addr, Family};
use crate::checksum::Sum;
use crate::nat::Error;

/// Where addresses are in the headers: the first byte of the source and of the destination.
const V4: (usize, usize) = (12, 16);
const V6: (usize, usize) = (8, 24);

/// Sends an error to a real server: it becomes the destination of the error, and the source of
/// the quoted packet.
///
/// `headers` starts at the network header and holds [`Report::headers`] bytes. All checksums that
/// the edit concerns are corrected, not computed anew; that of the quoted packet's transport header
/// stays, since the bytes it is about are mostly not there.
///
/// # Errors
///
/// [`Error::TooShort`]; something may have changed then, and the packet is to be dropped.
pub fn to_server(headers: &mut [u8], report: &Report, server: Endpoint) -> Result<(), Error> {
    translate(headers, report, server, End::Destination).ok_or(Error::TooShort)
}

/// Lets an error come from a virtual service: it becomes the source of the error, and the
/// destination of the quoted packet.
///
/// See [`to_server`].
///
/// # Errors
///
/// [`Error::TooShort`]; something may have changed then, and the packet is to be dropped.
pub fn to_client(headers: &mut [u8], report: &Report, service: Endpoint) -> Result<(), Error> {
    translate(headers, report, service, End::Source).ok_or(Error::TooShort)
}

/// An end of a packet.
#[derive(Clone, Copy)]
enum End {
    Source,
    Destination,
}

impl End {
    /// The end of the quoted packet that corresponds to this one of the error.
    const fn inside(self) -> Self {
        match self {
            Self::Source => Self::Destination,
            Self::Destination => Self::Source,
        }
    }

    /// Where its address is in a header.
    const fn addr(self, family: Family) -> usize {
        let (source, destination) = match family {
            Family::V4 => V4,
            Family::V6 => V6,
        };
        match self {
            Self::Source => source,
            Self::Destination => destination,
        }
    }
}

/// Gives `end` of the error, and the corresponding end of the quoted packet, to `new`.
fn translate(headers: &mut [u8], report: &Report, new: Endpoint, end: End) -> Option<()> {
    let family = report.outer.family;
    let (outside, message) = headers.split_at_mut_checked(report.message())?;
    let quoted_at = report.embedded.checked_sub(report.message())?;
    let (icmp, quoted) = message.split_at_mut_checked(quoted_at)?;
    let (network, ports) = quoted.split_at_mut_checked(report.about.transport)?;
    let [_, _, checksum @ ..] = icmp.first_chunk_mut::<4>()?;
    let mut sum = Sum::from_checksum(u16::from_be_bytes(*checksum));

    let moved = replace_addr(outside, family, end, new.addr)?;
    if family == Family::V6 {
        // Its pseudo header has the addresses.
        sum = moved.apply(sum);
    }
    let moved = replace_addr(network, family, end.inside(), new.addr)?;
    sum = moved.apply(sum);
    if let Some((old, new)) = moved.header_checksum {
        sum = sum.remove(old).add(new);
    }
    if report.has_ports() {
        let port = match end.inside() {
            End::Source => ports.first_chunk_mut::<2>()?,
            End::Destination => ports.first_chunk_mut::<4>()?.last_chunk_mut::<2>()?,
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
    /// The checksum of an IPv4 header, before and after.
    header_checksum: Option<(u16, u16)>,
}

impl Moved {
    /// Corrects a sum that has the address in it.
    fn apply(&self, sum: Sum) -> Sum {
        match self.family {
            Family::V4 => sum
                .remove_u32(u32::from_be_bytes(self.from.v4()))
                .add_u32(u32::from_be_bytes(self.to.v4())),
            Family::V6 => {
                let invert = |octet: u8| !octet;
                sum.add_bytes(&self.from.octets().map(invert))
                    .add_bytes(&self.to.octets())
            }
        }
    }
}

/// Replaces one address of a network header, and corrects the checksum of an IPv4 header.
fn replace_addr(header: &mut [u8], family: Family, end: End, to: Addr) -> Option<Moved> {
    let field = header.get_mut(end.addr(family)..)?;
    match family {
        Family::V4 => {
            let field: &mut [u8; 4] = field.first_chunk_mut()?;
            let from = Addr::from_v4(core::mem::replace(field, to.v4()));
            let mut moved = Moved {
                family,
                from,
                to,
                header_checksum: None,
            };
            let checksum: &mut [u8; 2] = header.get_mut(10..)?.first_chunk_mut()?;
            let old = u16::from_be_bytes(*checksum);
            let new = moved.apply(Sum::from_checksum(old)).checksum();
            *checksum = new.to_be_bytes();
            moved.header_checksum = Some((old, new));
            Some(moved)
        }
        Family::V6 => {
            let field: &mut [u8; 16] = field.first_chunk_mut()?;
            let from = Addr::from_v6(core::mem::replace(field, to.octets()));
            Some(Moved {
                family,
                from,
                to,
                header_checksum: None,
            })
        }
    }
}
