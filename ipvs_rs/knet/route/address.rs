// SPDX-License-Identifier: GPL-2.0

//! What an address is to this host.

use ipvs_sys as bindings;

use super::{in6_addr, Query, Route};
use crate::{net_namespace::Net, rcu};

/// What an address is to this host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressType {
    /// One of its own.
    Local,
    /// One that others have, or nobody.
    Unicast,
    /// A broadcast, multicast or anycast address, or one that a route forbids.
    Other,
}

/// What an IPv4 address is to this host, in any of its routing tables for local addresses.
pub fn address_type_v4(net: &Net, address: [u8; 4]) -> AddressType {
    // SAFETY: The namespace is valid.
    let kind = unsafe { bindings::inet_addr_type(net.as_ptr(), u32::from_ne_bytes(address)) };
    match kind {
        bindings::RTN_LOCAL => AddressType::Local,
        bindings::RTN_UNICAST => AddressType::Unicast,
        _ => AddressType::Other,
    }
}

/// What an IPv6 address is to this host. Link-local ones of others are nobody's: without the link
/// they say nothing.
///
/// As the C module does: those for which packets leave by the loopback device are local, even if only
/// the default route goes there.
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

/// Whether an IPv6 address is one of a single host.
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
