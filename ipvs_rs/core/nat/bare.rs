// SPDX-License-Identifier: GPL-2.0

//! Edits of the network header alone, for protocols whose own headers hold no addresses.

use super::{dnat_v6, snat_v6, End, Error, L4Checksum, Remaining};
use crate::addr::{Addr, Family};
use crate::checksum::Sum;
use crate::wire::ipv4;

/// Gives a packet of `family` another destination address. What is behind the network header stays
/// as it is.
///
/// # Errors
///
/// [`Error::TooShort`]; nothing is changed then.
pub fn set_destination(headers: &mut [u8], family: Family, addr: Addr) -> Result<Remaining, Error> {
    match family {
        Family::V4 => replace_v4(headers, End::Destination, addr),
        Family::V6 => dnat_v6(headers, None, 0, addr, 0, L4Checksum::Whole),
    }
}

/// Gives a packet of `family` another source address. See [`set_destination`].
///
/// # Errors
///
/// [`Error::TooShort`]; nothing is changed then.
pub fn set_source(headers: &mut [u8], family: Family, addr: Addr) -> Result<Remaining, Error> {
    match family {
        Family::V4 => replace_v4(headers, End::Source, addr),
        Family::V6 => snat_v6(headers, None, 0, addr, 0, L4Checksum::Whole),
    }
}

fn replace_v4(headers: &mut [u8], end: End, addr: Addr) -> Result<Remaining, Error> {
    let header = ipv4::HeaderMut::at_start(headers).ok_or(Error::TooShort)?;
    let field = match end {
        End::Source => header.src,
        End::Destination => header.dst,
    };
    let old = core::mem::replace(field, addr.v4());
    let sum = Sum::from_checksum(u16::from_be_bytes(*header.checksum))
        .remove_u32(u32::from_be_bytes(old))
        .add_u32(u32::from_be_bytes(addr.v4()));
    *header.checksum = sum.checksum().to_be_bytes();
    Ok(Remaining::Nothing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_address_and_the_header_checksum_change() {
        let mut packet = [0; 28];
        packet[0] = 0x45;
        packet[9] = 50;
        packet[12..20].copy_from_slice(&[10, 0, 0, 2, 10, 0, 1, 1]);
        let sum = Sum::ZERO.add_bytes(&packet[..20]).checksum();
        packet[10..12].copy_from_slice(&sum.to_be_bytes());
        let (server, service) = (Addr::from_v4([172, 16, 1, 2]), Addr::from_v4([10, 0, 1, 1]));
        let before = packet;
        for (change, addr, at) in [
            (
                set_destination as fn(&mut [u8], Family, Addr) -> _,
                server,
                16,
            ),
            (set_source, service, 12),
        ] {
            let mut packet = before;
            assert_eq!(
                change(&mut packet, Family::V4, addr),
                Ok(Remaining::Nothing)
            );
            assert_eq!(packet[at..at + 4], addr.v4());
            assert_eq!(Sum::ZERO.add_bytes(&packet[..20]).partial(), 0xFFFF);
            assert_eq!(packet[20..], before[20..]);
            assert_eq!(
                change(&mut packet[..19], Family::V4, addr),
                Err(Error::TooShort)
            );
            assert_eq!(
                change(&mut packet[..28], Family::V6, addr),
                Err(Error::TooShort)
            );
        }
    }
}
