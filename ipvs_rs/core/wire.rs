// SPDX-License-Identifier: GPL-2.0

//! The headers of packets, as they are sent: one file for each protocol.
//!
//! This is the only module that knows where a field lies in a header. It gives fields a name, and
//! decides nothing: what a packet is for is decided in [`flow`](crate::flow) and above.

pub mod protocol;

/// Where the bytes of a packet come from: a slice on the host, a socket buffer in the kernel.
pub trait HeaderSource {
    /// The `buf.len()` bytes that start `offset` bytes after the start of the network header.
    ///
    /// Returns a slice of the packet itself if the bytes lie in one piece there. Otherwise copies
    /// them into `buf` and returns that. Returns [`None`] if the packet ends before the last byte.
    fn bytes<'b>(&'b self, offset: usize, buf: &'b mut [u8]) -> Option<&'b [u8]>;

    /// The `N` bytes that start `offset` bytes after the start of the network header.
    ///
    /// Returns [`None`] if the packet ends before the last byte.
    #[inline]
    fn array<const N: usize>(&self, offset: usize) -> Option<[u8; N]> {
        self.bytes(offset, &mut [0; N])?.first_chunk().copied()
    }
}

impl HeaderSource for [u8] {
    #[inline]
    fn bytes<'b>(&'b self, offset: usize, buf: &'b mut [u8]) -> Option<&'b [u8]> {
        self.get(offset..)?.get(..buf.len())
    }
}
