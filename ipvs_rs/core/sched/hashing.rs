// SPDX-License-Identifier: GPL-2.0

//! The tables and hashes that `sh`, `dh` and `mh` share.

use super::{Arrival, Server};
use crate::addr::{Addr, Family};

/// The tables of `sh` and `dh` have 2 to this power slots.
pub const SLOT_BITS: u32 = 8;
/// The number of slots of `sh` and `dh`.
pub const SLOTS: usize = 1 << SLOT_BITS;

/// A place in a table, which holds the index of a server or is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot(u32);

impl Slot {
    /// A slot without a server.
    pub const EMPTY: Self = Self(u32::MAX);

    /// The slot of the server at this index. No service has so many servers that an index does not
    /// fit.
    #[inline]
    pub fn of(index: usize) -> Self {
        u32::try_from(index).map_or(Self::EMPTY, Self)
    }

    /// The index of the server.
    #[inline]
    pub fn index(self) -> Option<usize> {
        // CAST: A u32 fits.
        (self != Self::EMPTY).then_some(self.0 as usize)
    }
}

/// The address as a number of 32 bits in host order. For IPv6 it is the exclusive or of the four
/// words of the address.
#[inline]
pub fn folded(family: Family, addr: Addr) -> u32 {
    match family {
        Family::V4 => u32::from_be_bytes(addr.v4()),
        Family::V6 => {
            let [upper, lower] = addr.words();
            let both = (upper ^ lower).to_ne_bytes();
            let [a, b, c, d, e, f, g, h] = both;
            u32::from_be_bytes([a, b, c, d]) ^ u32::from_be_bytes([e, f, g, h])
        }
    }
}

/// The upper `bits` bits of the product of `number` and the golden ratio, as the kernel's `hash_32`.
#[inline]
pub fn multiplicative(number: u32, bits: u32) -> u32 {
    let product = number.wrapping_mul(0x61C8_8647);
    product.checked_shr(32_u32.wrapping_sub(bits)).unwrap_or(0)
}

/// The index of the server in a slot; [`None`] if that server is not eligible.
///
/// # Errors
///
/// [`Empty`].
#[inline]
pub(super) fn eligible<S: Server>(
    slots: &[Slot],
    slot: u32,
    servers: &[S],
) -> Result<Option<usize>, Empty> {
    // CAST: A u32 fits.
    let slot = slots.get(slot as usize).copied().unwrap_or(Slot::EMPTY);
    let index = slot.index().ok_or(Empty)?;
    let server = servers.get(index).ok_or(Empty)?;
    Ok(server.is_eligible().then_some(index))
}

/// A slot holds no server.
pub(super) struct Empty;

/// The index of the first eligible server in these slots. The search ends at an empty slot.
///
/// The slot `first` is that of the client. The slots `others` are searched only if the client's
/// server is not eligible and the service allows that another one replaces it.
#[inline]
pub(super) fn search<S: Server>(
    slots: &[Slot],
    servers: &[S],
    arrival: &Arrival<'_>,
    first: u32,
    others: impl Iterator<Item = u32>,
) -> Option<usize> {
    if let Some(index) = eligible(slots, first, servers).ok()? {
        return Some(index);
    }
    if !arrival.falls_back() {
        return None;
    }
    for slot in others {
        if let Some(index) = eligible(slots, slot, servers).ok()? {
            return Some(index);
        }
    }
    None
}
