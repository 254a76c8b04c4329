// SPDX-License-Identifier: GPL-2.0

//! AH and ESP (RFC 4302, RFC 4303), which ride on the connection of their key exchange.
//!
//! They have no ports. Which server has the keys for a client is what the ISAKMP daemons have
//! agreed on, over UDP from port 500 to port 500; to that server their packets go too.

/// The protocol number of ESP.
pub const ESP: u8 = 50;
/// The protocol number of AH.
pub const AH: u8 = 51;
/// The port of ISAKMP, at both ends.
pub const ISAKMP: u16 = 500;

/// Whether packets of a protocol ride on the connection of a key exchange.
#[inline]
pub const fn rides(protocol: u8) -> bool {
    matches!(protocol, AH | ESP)
}
