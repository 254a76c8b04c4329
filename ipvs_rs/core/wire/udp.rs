// SPDX-License-Identifier: GPL-2.0

//! The UDP header (RFC 768): two ports, a length and a checksum.

/// The length of the header, in bytes.
pub const HEADER_LEN: usize = 8;
/// Where the checksum is, in bytes from the start of the header. A checksum of 0 means that the
/// sender computed none.
pub const CHECKSUM: usize = 6;
