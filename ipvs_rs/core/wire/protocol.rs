// SPDX-License-Identifier: GPL-2.0

//! Protocol numbers: the field `protocol` of IPv4 and `next header` of IPv6.
//!
//! <https://www.iana.org/assignments/protocol-numbers>

/// IPv6 hop-by-hop options (RFC 8200, section 4.3).
pub const HOP_BY_HOP: u8 = 0;
/// ICMP of IPv4.
pub const ICMP: u8 = 1;
/// A packet of IPv4 inside another packet.
pub const IPIP: u8 = 4;
/// TCP.
pub const TCP: u8 = 6;
/// UDP.
pub const UDP: u8 = 17;
/// A packet of IPv6 inside another packet.
pub const IPV6: u8 = 41;
/// The IPv6 routing header (RFC 8200, section 4.4).
pub const ROUTING: u8 = 43;
/// The IPv6 fragment header (RFC 8200, section 4.5).
pub const FRAGMENT: u8 = 44;
/// Generic routing encapsulation.
pub const GRE: u8 = 47;
/// The encapsulating security payload of IPsec (RFC 4303).
pub const ESP: u8 = 50;
/// The authentication header of IPsec (RFC 4302).
pub const AH: u8 = 51;
/// ICMPv6.
pub const ICMPV6: u8 = 58;
/// IPv6 destination options (RFC 8200, section 4.6).
pub const DESTINATION_OPTIONS: u8 = 60;
/// SCTP.
pub const SCTP: u8 = 132;
