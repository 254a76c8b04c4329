// SPDX-License-Identifier: GPL-2.0

//! The header of generic UDP encapsulation, version 0 (draft-ietf-intarea-gue, section 3).

/// The length of a header without options, in bytes.
pub const HEADER_LEN: usize = 4;

/// In the first byte: version and control bit, which are 0 in data packets of version 0.
const VERSION_CONTROL: u8 = 0xE0;
/// In the first byte: the length of the options, in 32-bit words.
const OPTION_WORDS: u8 = 0x1F;

/// The fields of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Version, control bit and length of the options.
    pub first: u8,
    /// The protocol number of the packet inside.
    pub protocol: u8,
    /// Flags, in host order. They say which options there are.
    pub flags: u16,
}

impl Header {
    /// The header of a data packet with `options_len` bytes of options, a multiple of four.
    #[inline]
    pub const fn data(options_len: u32, protocol: u8, flags: u16) -> Self {
        Self {
            // CAST: the field has five bits.
            first: (options_len >> 2) as u8 & OPTION_WORDS,
            protocol,
            flags,
        }
    }

    /// The fields in these bytes.
    #[inline(always)]
    pub const fn read([first, protocol, f0, f1]: [u8; HEADER_LEN]) -> Self {
        Self {
            first,
            protocol,
            flags: u16::from_be_bytes([f0, f1]),
        }
    }

    /// The bytes of the header, as they are sent.
    #[inline]
    pub const fn to_bytes(self) -> [u8; HEADER_LEN] {
        let [f0, f1] = self.flags.to_be_bytes();
        [self.first, self.protocol, f0, f1]
    }

    /// Whether this is a data packet of version 0.
    pub const fn is_data(self) -> bool {
        self.first & VERSION_CONTROL == 0
    }

    /// The length of the header with its options, in bytes.
    pub const fn header_len(self) -> usize {
        // CAST: a u8 fits.
        let words = (self.first & OPTION_WORDS) as usize;
        HEADER_LEN.saturating_add(words.saturating_mul(4))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_counted_in_words() {
        for (options_len, first) in [(0, 0), (8, 2), (124, 31)] {
            let header = Header::data(options_len, 4, 0x0102);
            assert_eq!(header.to_bytes(), [first, 4, 1, 2]);
            assert_eq!(Header::read(header.to_bytes()), header);
            assert!(header.is_data());
            assert_eq!(header.header_len(), options_len as usize + 4);
        }
    }

    #[test]
    fn control_packets_and_other_versions_are_no_data() {
        for first in [0x20, 0x40, 0x80, 0xFF] {
            assert!(!Header::read([first, 4, 0, 0]).is_data());
        }
    }
}
