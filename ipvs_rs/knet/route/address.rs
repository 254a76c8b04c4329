// SPDX-License-Identifier: GPL-2.0

//! The type of an address: local to this host, or not.

use ipvs_sys as bindings;

use super::{in6_addr, Query, Route};
use crate::{net_namespace::Net, rcu};

/// The type of an address as this host sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressType {
    /// An address of this host.
    Local,
    /// A unicast address that is not of this host.
    Unicast,
    /// A broadcast, multicast or anycast address, or an address that a route forbids.
    Other,
}

/// The type of an IPv4 address, by the host's routing tables for local addresses.
pub fn address_type_v4(net: &Net, address: [u8; 4]) -> AddressType {
    // SAFETY: The namespace is valid.
    let kind = unsafe { bindings::inet_addr_type(net.as_ptr(), u32::from_ne_bytes(address)) };
    match kind {
        bindings::RTN_LOCAL => AddressType::Local,
        bindings::RTN_UNICAST => AddressType::Unicast,
        _ => AddressType::Other,
    }
}

/// The type of an IPv6 address.
///
/// An address that is unicast and not link-local counts as unicast without a lookup, also if it is an
/// address of this host. A link-local address of another host is [`AddressType::Other`], as its link is not
/// known.
///
/// As the C module does: an address that packets reach by the loopback device is local, even if only
/// the default route leads there.
pub fn address_type_v6(net: &Net, address: [u8; 16]) -> AddressType {
    // SAFETY: The address is valid.
    let kind = unsafe { bindings::__ipv6_addr_type(&in6_addr(address)) };
    // CAST: Flags.
    let is_a = |flag: u32| kind & flag as i32 != 0;
    if is_a(bindings::IPV6_ADDR_UNICAST) && !is_a(bindings::IPV6_ADDR_LINKLOCAL) {
        return AddressType::Unicast;
    }
    let query = Query {
        destination: address,
        source: None,
        known_next_hop: false,
    };
    match Route::output_v6(net, &query) {
        Ok(route) if route.is_by_loopback(&rcu::read_lock()) => AddressType::Local,
        _ => AddressType::Other,
    }
}

/// Whether an IPv6 address is a unicast address.
pub fn is_unicast_v6(address: [u8; 16]) -> bool {
    // SAFETY: The address is valid.
    let kind = unsafe { bindings::__ipv6_addr_type(&in6_addr(address)) };
    // CAST: A flag.
    kind & bindings::IPV6_ADDR_UNICAST as i32 != 0
}

/// Whether this host has an IPv6 stack.
pub fn has_ipv6() -> bool {
    // SAFETY: No preconditions.
    unsafe { bindings::ipv6_mod_enabled() }
}
