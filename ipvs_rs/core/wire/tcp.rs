// SPDX-License-Identifier: GPL-2.0

//! The TCP header (RFC 9293, section 3.1).

/// The length of a header without options, in bytes.
pub const HEADER_LEN: usize = 20;
/// Where the checksum is, in bytes from the start of the header.
pub const CHECKSUM: usize = 16;

/// The bits of the flags byte.
pub mod flags {
    /// The sender has no more data.
    pub const FIN: u8 = 0x01;
    /// The sender opens: sequence numbers begin.
    pub const SYN: u8 = 0x02;
    /// The sender resets the connection.
    pub const RST: u8 = 0x04;
    /// The acknowledgement number counts.
    pub const ACK: u8 = 0x10;
}

/// The length of a header in bytes, with its options. [`None`] if it is shorter than a header can be.
pub fn header_len(header: &[u8; HEADER_LEN]) -> Option<usize> {
    let [_, _, _, _, _, _, _, _, _, _, _, _, offset, ..] = *header;
    // In words of four bytes.
    let length = usize::from(offset >> 4).saturating_mul(4);
    (length >= HEADER_LEN).then_some(length)
}

/// The sequence number of the first byte behind a header, or of its SYN.
pub const fn sequence(header: &[u8; HEADER_LEN]) -> u32 {
    let &[_, _, _, _, a, b, c, d, ..] = header;
    u32::from_be_bytes([a, b, c, d])
}

/// The flags byte of a header: see [`flags`].
#[inline(always)]
pub const fn flags_of(header: &[u8; HEADER_LEN]) -> u8 {
    let &[_, _, _, _, _, _, _, _, _, _, _, _, _, flags, ..] = header;
    flags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_behind_the_length_of_the_header() {
        // A SYN from port 40000 to port 80 with the data offset 5 and the checksum ABCD.
        let header = [
            0x9C, 0x40, 0x00, 0x50, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x02, 0xFF, 0xFF, 0xAB, 0xCD, 0,
            0,
        ];
        assert_eq!(flags_of(&header), flags::SYN);
        assert_eq!(header[CHECKSUM..][..2], [0xAB, 0xCD]);
    }
}
