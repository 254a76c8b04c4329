// SPDX-License-Identifier: GPL-2.0

//! The bytes of a packet.

use ipvs_sys as bindings;
use kernel::prelude::*;

use super::Skb;

impl Skb {
    /// Bytes from the beginning of the network header to the end of the packet.
    #[inline]
    pub fn len(&self) -> usize {
        // CAST: 32 bits into a machine word.
        (self.total() as usize).saturating_sub(self.network_offset())
    }

    /// Whether there is nothing from the network header on.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The `buf.len()` bytes at `offset`, if the packet has them all: borrowed from the packet
    /// where they lie in one piece, else copied into `buf`.
    #[inline]
    pub fn header<'b>(&'b self, offset: usize, buf: &'b mut [u8]) -> Option<&'b [u8]> {
        let start = self.network_offset().checked_add(offset)?;
        let end = start.checked_add(buf.len())?;
        if end > self.linear() {
            return self.copy(start, buf);
        }
        // SAFETY: By the type invariant the packet is valid.
        let data = unsafe { (*self.as_ptr()).data };
        // SAFETY: `start..end` lies in the linear part of the packet.
        let first = unsafe { data.add(start) };
        // SAFETY: As is said of `first`. That part stays as it is while `self` is borrowed: what may
        // change it, or let C free it, borrows `self` mutably.
        Some(unsafe { core::slice::from_raw_parts(first, buf.len()) })
    }

    /// The length of the largest fragment that this IPv6 packet was put together of, if it was.
    #[inline]
    pub fn largest_fragment_v6(&self) -> Option<core::num::NonZero<u16>> {
        // SAFETY: By the type invariant the packet is valid.
        let control = unsafe { &raw const (*self.as_ptr()).cb }.cast::<bindings::inet6_skb_parm>();
        // SAFETY: At the network layer `cb` holds what IPv6 knows of a packet of its own, and of
        // another it holds numbers as well. Nobody changes it meanwhile.
        core::num::NonZero::new(unsafe { (*control).frag_max_size })
    }

    /// Copies what does not lie in one piece.
    #[cold]
    fn copy<'b>(&self, start: usize, buf: &'b mut [u8]) -> Option<&'b [u8]> {
        let start = i32::try_from(start).ok()?;
        let length = i32::try_from(buf.len()).ok()?;
        // SAFETY: By the type invariant the packet is valid; `buf` is so for writes of its length.
        let error = unsafe {
            bindings::skb_copy_bits(self.as_ptr(), start, buf.as_mut_ptr().cast(), length)
        };
        (error == 0).then_some(buf)
    }

    /// The first `length` bytes, to change them.
    ///
    /// Those of a network header should stay one: C may drop the packet otherwise, or fragment it
    /// where it should not, but reads nothing that is not part of the packet's memory.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the packet is shorter, `ENOMEM` if its data is shared or in pieces and there is
    /// no memory for a copy.
    #[inline]
    pub fn ensure_writable(&mut self, length: usize) -> Result<&mut [u8]> {
        let start = self.network_offset();
        let end = start.checked_add(length).ok_or(EINVAL)?;
        // CAST: 32 bits into a machine word.
        if end > self.total() as usize {
            return Err(EINVAL);
        }
        if end > self.linear() || self.is_cloned() {
            self.make_writable(end)?;
        }
        // SAFETY: By the type invariant the packet is valid. Making it writable may have moved the data.
        let data = unsafe { (*self.as_ptr()).data };
        // SAFETY: `start..end` lies in the linear part of the packet.
        let first = unsafe { data.add(start) };
        // SAFETY: As is said of `first`, and nobody shares that part.
        Ok(unsafe { core::slice::from_raw_parts_mut(first, length) })
    }

    /// Gets the first `end` bytes from `skb->data` on into one piece that nobody shares.
    #[cold]
    fn make_writable(&mut self, end: usize) -> Result {
        let end = u32::try_from(end).map_err(|_| EINVAL)?;
        // INVARIANT: What is in one piece stays so.
        // SAFETY: By the type invariant the packet is ours. No reference into the data is left, as
        // `self` is borrowed mutably.
        kernel::error::to_result(unsafe { bindings::skb_ensure_writable(self.as_ptr(), end) })
    }

    /// Whether the data may be shared with another packet.
    #[inline]
    fn is_cloned(&self) -> bool {
        // SAFETY: By the type invariant the packet is ours: nobody else changes the byte of this bit.
        unsafe { (*self.as_ptr()).cloned() != 0 }
    }

    /// Bytes from `skb->data` to the end of the packet.
    #[inline]
    fn total(&self) -> u32 {
        // SAFETY: By the type invariant the packet is valid.
        unsafe { (*self.as_ptr()).len }
    }

    /// Bytes from `skb->data` on that lie in one piece.
    #[inline]
    fn linear(&self) -> usize {
        // SAFETY: By the type invariant the packet is valid.
        let in_pieces = unsafe { (*self.as_ptr()).data_len };
        // CAST: 32 bits into a machine word. The pieces are a part of the total.
        self.total().wrapping_sub(in_pieces) as usize
    }

    /// The offset of the network header from `skb->data`; zero in all hooks of the network layer.
    ///
    /// A header that was pulled already has the offset of one that the packet does not reach.
    #[inline]
    pub(crate) fn network_offset(&self) -> usize {
        let skb = self.as_ptr();
        // SAFETY: By the type invariant the packet is valid.
        let head = unsafe { (*skb).head };
        // SAFETY: As is said of `head`.
        let data = unsafe { (*skb).data };
        let headroom = (data as usize).wrapping_sub(head as usize);
        usize::from(self.headers().network_header).wrapping_sub(headroom)
    }
}
