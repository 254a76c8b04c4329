// SPDX-License-Identifier: GPL-2.0

//! The two ports with which the headers of TCP, UDP and SCTP begin.

/// The ports of a packet, in host order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// The source port.
    pub src: u16,
    /// The destination port.
    pub dst: u16,
}

impl Ports {
    /// The length of both ports, in bytes.
    pub const LEN: usize = 4;
    /// No ports, as in a fragment without a transport header.
    pub const NONE: Self = Self { src: 0, dst: 0 };

    /// The ports in these bytes.
    #[inline(always)]
    pub const fn read([s0, s1, d0, d1]: [u8; Self::LEN]) -> Self {
        Self {
            src: u16::from_be_bytes([s0, s1]),
            dst: u16::from_be_bytes([d0, d1]),
        }
    }
}

/// The ports of a transport header, in network order, and what is behind them.
pub struct PortsMut<'a> {
    /// The source port.
    pub src: &'a mut [u8; 2],
    /// The destination port.
    pub dst: &'a mut [u8; 2],
    /// The bytes behind the ports.
    pub rest: &'a mut [u8],
}

impl<'a> PortsMut<'a> {
    /// The ports at the start of `bytes`.
    ///
    /// Returns [`None`] if there are less than [`Ports::LEN`] bytes.
    #[inline(always)]
    pub fn at_start(bytes: &'a mut [u8]) -> Option<Self> {
        let (src, rest) = bytes.split_first_chunk_mut()?;
        let (dst, rest) = rest.split_first_chunk_mut()?;
        Some(Self { src, dst, rest })
    }
}

/// The source port at the start of `bytes`, in network order.
///
/// Returns [`None`] if the bytes end before it does.
#[inline]
pub fn src_mut(bytes: &mut [u8]) -> Option<&mut [u8; 2]> {
    bytes.first_chunk_mut()
}

/// The destination port behind the source port at the start of `bytes`, in network order.
///
/// Returns [`None`] if the bytes end before it does.
#[inline]
pub fn dst_mut(bytes: &mut [u8]) -> Option<&mut [u8; 2]> {
    PortsMut::at_start(bytes).map(|ports| ports.dst)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_port_comes_first() {
        let mut bytes = [0x9C, 0x40, 0x00, 0x50, 7];
        let ports = Ports::read([0x9C, 0x40, 0x00, 0x50]);
        assert_eq!((ports.src, ports.dst), (40000, 80));
        let fields = PortsMut::at_start(&mut bytes).unwrap();
        assert_eq!(*fields.rest, [7]);
        (*fields.src, *fields.dst) = ([0, 1], [0, 2]);
        assert_eq!(bytes, [0, 1, 0, 2, 7]);
        assert_eq!(src_mut(&mut bytes[..2]), Some(&mut [0, 1]));
        assert_eq!(dst_mut(&mut bytes[..4]), Some(&mut [0, 2]));
        assert!(src_mut(&mut bytes[..1]).is_none());
        assert!(dst_mut(&mut bytes[..3]).is_none());
        assert!(PortsMut::at_start(&mut bytes[..3]).is_none());
    }
}
