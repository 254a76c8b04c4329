// SPDX-License-Identifier: GPL-2.0

//! Other bytes in the payload of a datagram.

use core::ops::Range;
use ipvs_sys as bindings;
use kernel::{error::to_result, prelude::*};

use super::{header_length, Skb};
use crate::netfilter::Family;

/// The length of a UDP header.
const UDP_HEADER: usize = 8;
/// The offset of the checksum in it.
const UDP_CHECKSUM: usize = 6;

impl Skb {
    /// Replaces bytes of the payload of the UDP datagram whose header is at `transport`. `range` counts from the end of
    /// that header. The lengths in both headers, and both checksums, are those of the new datagram afterwards; a
    /// datagram without a UDP checksum over IPv4 gets none.
    ///
    /// # Errors
    ///
    /// `EINVAL` if there is no UDP header behind a header of `family`, `range` is not in the packet, the packet would
    /// be too long, or it stands for several; `ENOMEM`. The packet is to be dropped then.
    pub fn replace_udp_payload(
        &mut self,
        family: Family,
        transport: usize,
        range: Range<usize>,
        with: &[u8],
    ) -> Result {
        if !self.is_of(family) || transport < header_length(family) || self.is_gso() {
            return Err(EINVAL);
        }
        let payload = transport.checked_add(UDP_HEADER).ok_or(EINVAL)?;
        let start = payload.checked_add(range.start).ok_or(EINVAL)?;
        let end = payload.checked_add(range.end).ok_or(EINVAL)?;
        let behind = self.len().checked_sub(end).ok_or(EINVAL)?;
        let removed = end.checked_sub(start).ok_or(EINVAL)?;
        let head = start.checked_add(with.len()).ok_or(EINVAL)?;
        let total = head.checked_add(behind).ok_or(EINVAL)?;
        u16::try_from(total).map_err(|_| EINVAL)?;
        self.checksum_help()?;
        let field = transport.wrapping_add(UDP_CHECKSUM);
        let has_checksum = self.header(field, &mut [0; 2]).ok_or(EINVAL)? != [0; 2];
        let offset = self.network_offset();
        // CAST: All of these are lengths and offsets in a packet, whose length is a u32.
        // INVARIANT: The packet begins with the same network header as before, in one piece.
        // SAFETY: By the type invariant the packet is ours, and begins with a header of its family. The header at
        // `transport` and the bytes that are removed were found to lie in it, and the new total to fit into 16 bits.
        // No reference into the data is left, as `self` is borrowed mutably.
        to_result(unsafe {
            bindings::udp_splice(
                self.as_ptr(),
                offset.wrapping_add(transport) as u32,
                offset.wrapping_add(start) as u32,
                removed as u32,
                with.as_ptr().cast(),
                with.len() as u32,
            )
        })?;
        match has_checksum {
            true => self.compute_udp_checksum(family, transport),
            false => {
                self.forget_complete_checksum();
                Ok(())
            }
        }
    }
}
