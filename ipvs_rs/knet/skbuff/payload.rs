// SPDX-License-Identifier: GPL-2.0

//! Other bytes in the payload of a packet.

use core::ops::Range;
use ipvs_sys as bindings;
use kernel::{error::to_result, prelude::*};

use super::{header_length, Skb};
use crate::netfilter::Family;

/// The length of a UDP header.
const UDP_HEADER: usize = 8;
/// The offset of the checksum in it.
const UDP_CHECKSUM: usize = 6;
/// The length of a TCP header without options.
const TCP_HEADER: usize = 20;
/// The offset of the byte whose upper half is the length of a TCP header in words of four bytes.
const TCP_LENGTH: usize = 12;

/// The bytes of a packet that others take the place of, as offsets from `skb->data`.
struct Splice {
    transport: u32,
    start: u32,
    removed: u32,
}

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
        if self.is_gso() {
            return Err(EINVAL);
        }
        let splice = self.splice(family, (transport, UDP_HEADER), range, with.len())?;
        self.checksum_help()?;
        let field = transport.wrapping_add(UDP_CHECKSUM);
        let has_checksum = self.header(field, &mut [0; 2]).ok_or(EINVAL)? != [0; 2];
        // CAST: The new total fits into 16 bits.
        // INVARIANT: The packet begins with the same network header as before, in one piece.
        // SAFETY: By the type invariant the packet is ours, and begins with a header of its family. `splice` has found the
        // header at `transport` and the bytes that are removed to lie in it, and the new total to fit into 16 bits. No
        // reference into the data is left, as `self` is borrowed mutably.
        to_result(unsafe {
            bindings::udp_splice(
                self.as_ptr(),
                splice.transport,
                splice.start,
                splice.removed,
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

    /// Replaces bytes of the payload of the TCP segment whose header is at `transport`. `range` counts from the end of that
    /// header. The length and the checksums are those of the new segment afterwards. Of other lengths, the sequence numbers
    /// of what follows must be adjusted: see [`adjust_sequence`](Self::adjust_sequence).
    ///
    /// # Errors
    ///
    /// `EINVAL` if there is no TCP header behind a header of `family`, `range` is not in the packet, or the packet would be
    /// too long; `ENOMEM`. The packet is to be dropped then.
    pub fn replace_tcp_payload(
        &mut self,
        family: Family,
        transport: usize,
        range: Range<usize>,
        with: &[u8],
    ) -> Result {
        let field = transport.checked_add(TCP_LENGTH).ok_or(EINVAL)?;
        let mut byte = [0];
        let &[byte] = self.header(field, &mut byte).ok_or(EINVAL)? else {
            return Err(EINVAL);
        };
        let header = usize::from(byte >> 4).wrapping_mul(4);
        if header < TCP_HEADER {
            return Err(EINVAL);
        }
        let splice = self.splice(family, (transport, header), range, with.len())?;
        // CAST: The new total fits into 16 bits.
        // INVARIANT: The packet begins with the same network header as before, in one piece.
        // SAFETY: By the type invariant the packet is ours, and begins with a header of its family. `splice` has found the
        // header at `transport` and the bytes that are removed to lie in it, and the new total to fit into 16 bits. No
        // reference into the data is left, as `self` is borrowed mutably.
        to_result(unsafe {
            bindings::tcp_splice(
                self.as_ptr(),
                splice.transport,
                splice.start,
                splice.removed,
                with.as_ptr().cast(),
                with.len() as u32,
            )
        })
    }

    /// The place of `range` in a packet with a transport header of that offset and length, for `length` other bytes.
    fn splice(
        &self,
        family: Family,
        (transport, header): (usize, usize),
        range: Range<usize>,
        length: usize,
    ) -> Result<Splice> {
        if !self.is_of(family) || transport < header_length(family) {
            return Err(EINVAL);
        }
        let payload = transport.checked_add(header).ok_or(EINVAL)?;
        let start = payload.checked_add(range.start).ok_or(EINVAL)?;
        let end = payload.checked_add(range.end).ok_or(EINVAL)?;
        let behind = self.len().checked_sub(end).ok_or(EINVAL)?;
        let removed = end.checked_sub(start).ok_or(EINVAL)?;
        let head = start.checked_add(length).ok_or(EINVAL)?;
        let total = head.checked_add(behind).ok_or(EINVAL)?;
        u16::try_from(total).map_err(|_| EINVAL)?;
        let offset = self.network_offset();
        // CAST: All of these are lengths and offsets in a packet, whose length is a u32.
        Ok(Splice {
            transport: offset.wrapping_add(transport) as u32,
            start: offset.wrapping_add(start) as u32,
            removed: removed as u32,
        })
    }
}
