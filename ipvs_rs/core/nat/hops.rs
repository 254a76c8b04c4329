// SPDX-License-Identifier: GPL-2.0

//! The number of hops that a packet may still travel: time to live in IPv4, hop limit in IPv6.

use crate::checksum::Sum;
use crate::wire::{ipv4, ipv6};

/// Why the number of hops was left as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TtlError {
    /// The header is not all there.
    TooShort,
    /// The packet may not travel any further.
    Expired,
}

/// The number of hops after one more.
#[inline(always)]
const fn one_less(hops: u8) -> Result<u8, TtlError> {
    match hops {
        0 | 1 => Err(TtlError::Expired),
        hops => Ok(hops.wrapping_sub(1)),
    }
}

/// Takes one hop from an IPv4 packet, and corrects the header checksum. `headers` starts at the
/// network header.
///
/// # Errors
///
/// [`TtlError`]; nothing is changed then.
#[inline]
pub fn decrement_ttl(headers: &mut [u8]) -> Result<(), TtlError> {
    let header = ipv4::HeaderMut::at_start(headers).ok_or(TtlError::TooShort)?;
    let new = one_less(*header.ttl)?;
    *header.checksum = Sum::from_checksum(u16::from_be_bytes(*header.checksum))
        .remove(u16::from_be_bytes([*header.ttl, *header.protocol]))
        .add(u16::from_be_bytes([new, *header.protocol]))
        .checksum()
        .to_be_bytes();
    *header.ttl = new;
    Ok(())
}

/// Takes one hop from an IPv6 packet. `headers` starts at the network header.
///
/// # Errors
///
/// [`TtlError`]; nothing is changed then.
#[inline]
pub fn decrement_hop_limit(headers: &mut [u8]) -> Result<(), TtlError> {
    let hop_limit = ipv6::hop_limit_mut(headers).ok_or(TtlError::TooShort)?;
    *hop_limit = one_less(*hop_limit)?;
    Ok(())
}
