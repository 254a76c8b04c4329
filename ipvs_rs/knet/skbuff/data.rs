// SPDX-License-Identifier: GPL-2.0

//! The bytes of a packet.

use ipvs_sys as bindings;
use kernel::prelude::*;

use super::Skb;

impl Skb {
    /// The number of bytes from the beginning of the network header to the end of the packet.
    #[inline]
    pub fn len(&self) -> usize {
        // CAST: 32 bits into a machine word.
        (self.total() as usize).saturating_sub(self.network_offset())
    }

    /// Whether the packet has no bytes from the network header on.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The `buf.len()` bytes at `offset`; [`None`] if the packet ends before. They are borrowed from the
    /// packet if they are in its linear part, else copied into `buf`.
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

    /// The first `N` bytes, if they are in the linear part.
    #[inline(always)]
    pub fn linear_start<const N: usize>(&self) -> Option<&[u8; N]> {
        let start = self.network_offset();
        if start.checked_add(N)? > self.linear() {
            return None;
        }
        // SAFETY: By the type invariant the packet is valid.
        let data = unsafe { (*self.as_ptr()).data };
        // SAFETY: `N` bytes from `start` lie in the linear part of the packet.
        let first = unsafe { data.add(start) };
        // SAFETY: As is said of `first`. That part stays as it is while `self` is borrowed: what may change it, or let C free it,
        // borrows `self` mutably.
        Some(unsafe { &*first.cast() })
    }

    /// The length of the largest fragment of which this IPv6 packet was reassembled, if it was.
    #[inline]
    pub fn largest_fragment_v6(&self) -> Option<core::num::NonZero<u16>> {
        // SAFETY: By the type invariant the packet is valid.
        let control = unsafe { &raw const (*self.as_ptr()).cb }.cast::<bindings::inet6_skb_parm>();
        // SAFETY: At the network layer `cb` holds what IPv6 knows of a packet of its own, and of
        // another it holds numbers as well. Nobody changes it meanwhile.
        core::num::NonZero::new(unsafe { (*control).frag_max_size })
    }

    /// Copies bytes that are not in the linear part.
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

    /// The first `length` bytes, mutable.
    ///
    /// The caller should leave a valid network header. Otherwise C may drop the packet or fragment it wrongly,
    /// but it reads no memory outside the packet.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the packet is shorter, `ENOMEM` if its data is shared or in pieces and there is
    /// no memory for a copy.
    #[inline(always)]
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

    /// The bytes from `start` on, in one piece.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the packet is shorter, `ENOMEM` if they are in pieces and there is no memory to join them.
    pub fn bytes_from(&mut self, start: usize) -> Result<&[u8]> {
        let start = self.network_offset().checked_add(start).ok_or(EINVAL)?;
        let total = self.total();
        // CAST: 32 bits into a machine word.
        let length = (total as usize).checked_sub(start).ok_or(EINVAL)?;
        // SAFETY: By the type invariant the packet is valid.
        let in_pieces = unsafe { (*self.as_ptr()).data_len };
        if in_pieces != 0 {
            // CAST: C has the length of a packet in 31 bits.
            // INVARIANT: What is in one piece stays so.
            // SAFETY: By the type invariant the packet is ours and not shared, and it has so many bytes in pieces. No
            // reference into the data is left, as `self` is borrowed mutably.
            let end = unsafe { bindings::__pskb_pull_tail(self.as_ptr(), in_pieces as i32) };
            if end.is_null() {
                return Err(ENOMEM);
            }
        }
        // SAFETY: By the type invariant the packet is valid. To join its pieces may have moved the data.
        let data = unsafe { (*self.as_ptr()).data };
        // SAFETY: `start` and `length` bytes from there lie in the linear part, which is the whole packet.
        let first = unsafe { data.add(start) };
        // SAFETY: As is said of `first`. That part stays as it is while `self` is borrowed.
        Ok(unsafe { core::slice::from_raw_parts(first, length) })
    }

    /// Makes the first `end` bytes from `skb->data` on linear and unshared.
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

    /// The number of bytes from `skb->data` to the end of the packet.
    #[inline]
    fn total(&self) -> u32 {
        // SAFETY: By the type invariant the packet is valid.
        unsafe { (*self.as_ptr()).len }
    }

    /// The number of bytes in the linear part, from `skb->data` on.
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
