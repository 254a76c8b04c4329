// SPDX-License-Identifier: GPL-2.0

//! The headers of packets, as they are sent: one file for each protocol.
//!
//! This is the only module that knows where a field lies in a header. It gives fields a name, and
//! decides nothing: what a packet is for is decided in [`flow`](crate::flow) and above.

pub mod gre;
pub mod gue;
pub mod icmp;
pub mod ipv4;
pub mod ipv6;
pub mod ports;
pub mod protocol;
pub mod sctp;
pub mod tcp;
pub mod udp;

/// The version in the first byte of an IP header: see [`ipv4::VERSION`] and [`ipv6::VERSION`].
#[inline]
pub const fn version_of(first: u8) -> u8 {
    first >> 4
}

/// The IP version of a packet; [`None`] if the packet is empty.
#[inline]
pub fn ip_version<S: HeaderSource + ?Sized>(packet: &S) -> Option<u8> {
    let [first] = packet.array(0)?;
    Some(version_of(first))
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_in_the_upper_half_of_the_first_byte() {
        for (packet, version) in [(&[0x45][..], Some(4)), (&[0x6F, 0], Some(6)), (&[], None)] {
            assert_eq!(ip_version(packet), version);
        }
    }

    #[test]
    fn a_slice_ends_where_it_ends() {
        let packet = &[1, 2, 3][..];
        assert_eq!(packet.array(1), Some([2, 3]));
        assert_eq!(packet.array::<3>(1), None);
        assert_eq!(packet.array::<1>(usize::MAX), None);
    }
}
