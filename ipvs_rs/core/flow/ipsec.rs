// SPDX-License-Identifier: GPL-2.0

//! AH and ESP (RFC 4302, RFC 4303), which follow the connection of their key exchange.
//!
//! Packets of IPsec have no ports. The two ends have agreed on their keys over ISAKMP, which is UDP
//! from port 500 to port 500. The server that holds the keys of a client is the server of that UDP
//! connection, so the packets of IPsec go to the same server.

use crate::wire::protocol::{AH, ESP};

/// The UDP port of ISAKMP, at both ends.
pub const ISAKMP: u16 = 500;

/// Whether packets of `protocol` follow the connection of a key exchange.
#[inline]
pub const fn rides(protocol: u8) -> bool {
    matches!(protocol, AH | ESP)
}
