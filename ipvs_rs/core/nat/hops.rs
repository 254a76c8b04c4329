// SPDX-License-Identifier: GPL-2.0

//! The number of hops that a packet may still travel: time to live in IPv4, hop limit in IPv6.

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
    *header.checksum = a_hop_later(u16::from_be_bytes(*header.checksum)).to_be_bytes();
    *header.ttl = new;
    Ok(())
}

/// The checksum of an IPv4 header whose time to live is one less.
///
/// The time to live is the upper byte of a word, so the sum of all words is less by 0x0100, and its complement is more by that
/// (RFC 1624; its form of zero is 0, not 0xffff).
#[inline]
const fn a_hop_later(checksum: u16) -> u16 {
    // CAST: A u16 fits.
    let sum = (checksum as u32).wrapping_add(0x0100);
    let carry = sum >= 0xffff;
    // CAST: The carry goes round into the low 16 bits, which are the result.
    sum.wrapping_add(carry as u32) as u16
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
