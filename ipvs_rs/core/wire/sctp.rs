// SPDX-License-Identifier: GPL-2.0

//! The SCTP common header and chunk headers (RFC 9260, section 3).

/// The length of the common header, behind which the first chunk begins, in bytes.
pub const HEADER_LEN: usize = 12;
/// Where the CRC32c is, in bytes from the start of the common header.
pub const CHECKSUM: usize = 8;

/// Types of chunks (RFC 9260, section 3.2).
pub mod kind {
    /// INIT.
    pub const INIT: u8 = 1;
    /// INIT ACK.
    pub const INIT_ACK: u8 = 2;
    /// ABORT.
    pub const ABORT: u8 = 6;
    /// SHUTDOWN.
    pub const SHUTDOWN: u8 = 7;
    /// SHUTDOWN ACK.
    pub const SHUTDOWN_ACK: u8 = 8;
    /// ERROR.
    pub const ERROR: u8 = 9;
    /// COOKIE ECHO.
    pub const COOKIE_ECHO: u8 = 10;
    /// COOKIE ACK.
    pub const COOKIE_ACK: u8 = 11;
    /// SHUTDOWN COMPLETE.
    pub const SHUTDOWN_COMPLETE: u8 = 14;
}

/// The header of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// The type of the chunk: see [`kind`].
    pub kind: u8,
    /// The length of the chunk with its header and without padding, in bytes.
    pub len: u16,
}

impl Chunk {
    /// The length of a chunk header, in bytes. A chunk that says it is shorter is not valid.
    pub const HEADER_LEN: usize = 4;

    /// The fields in these bytes.
    #[inline(always)]
    pub const fn read([kind, _flags, l0, l1]: [u8; Self::HEADER_LEN]) -> Self {
        Self {
            kind,
            len: u16::from_be_bytes([l0, l1]),
        }
    }

    /// The number of bytes from this chunk to the next one, in which each chunk is padded to a
    /// multiple of four.
    ///
    /// Returns [`None`] if the chunk says that it is shorter than its own header.
    pub const fn distance(self) -> Option<usize> {
        // CAST: a u16 fits.
        let len = self.len as usize;
        match len < Self::HEADER_LEN {
            true => None,
            false => Some(len.saturating_add(3) & !3),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_padded_to_a_multiple_of_four() {
        for (len, distance) in [
            (0, None),
            (3, None),
            (4, Some(4)),
            (5, Some(8)),
            (20, Some(20)),
            (u16::MAX, Some(65536)),
        ] {
            let [l0, l1] = len.to_be_bytes();
            let chunk = Chunk::read([kind::INIT, 0xFF, l0, l1]);
            assert_eq!((chunk.kind, chunk.len), (1, len));
            assert_eq!(chunk.distance(), distance, "{len}");
        }
    }
}
