// SPDX-License-Identifier: GPL-2.0

//! Routes: where a packet goes next.
//!
//! C headers: [`include/net/dst.h`](srctree/include/net/dst.h),
//! [`include/net/route.h`](srctree/include/net/route.h)

use core::ptr::NonNull;
use ipvs_sys as bindings;
use kernel::{error::from_err_ptr, prelude::*};

use crate::{
    net_namespace::Net,
    netfilter::Family,
    rcu::{self, Guard},
};

/// A route, with a reference to it.
///
/// C frees a route a grace period after its last reference is gone. Until then the route keeps
/// devices: that which it leaves by, and others, which its owner cannot tell. A route of IPv6 keeps
/// the table entry that it was made of and that entry's device, even when it leaves by another one
/// (to an address of this host), or C has replaced its own. A route through a policy keeps all
/// routes that it is wrapped around.
///
/// # Invariants
///
/// `dst` is a valid route, and a reference to it belongs to this value.
pub struct Route {
    dst: NonNull<bindings::dst_entry>,
    /// By which IPv6 tells whether its tables have changed since the lookup; IPv4 has none.
    cookie: u32,
}

// SAFETY: References to routes may be given up from any context.
unsafe impl Send for Route {}
// SAFETY: What can be done with `&Route` C does on several CPUs at once, too.
unsafe impl Sync for Route {}

/// What to look up a route by. `A` is an address of the family, in network order.
#[derive(Clone, Copy, Debug)]
pub struct Query<A> {
    /// The address to reach.
    pub destination: A,
    /// The address to send from, if it is decided already.
    pub source: Option<A>,
    /// Whether `destination` must itself be the next hop, whatever the packet will be addressed to.
    pub known_next_hop: bool,
}

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

impl Route {
    /// The route that an IPv4 packet made by this host would take, and the source address that it
    /// would bear.
    ///
    /// # Errors
    ///
    /// There is none (`ENETUNREACH` and the like), or no memory.
    pub fn output_v4(net: &Net, query: &Query<[u8; 4]>) -> Result<(Self, [u8; 4])> {
        let mut flow: bindings::flowi4 = pin_init::zeroed();
        flow.daddr = u32::from_ne_bytes(query.destination);
        flow.saddr = u32::from_ne_bytes(query.source.unwrap_or_default());
        flow.__fl_common.flowic_flags = flags(query.known_next_hop);
        // SAFETY: The namespace is valid, and the flow is initialised.
        let table =
            unsafe { bindings::ip_route_output_flow(net.as_ptr(), &mut flow, core::ptr::null()) };
        // INVARIANT: The reference that C took is ours. The route is the table entry's first part.
        let dst = NonNull::new(from_err_ptr(table)?.cast()).ok_or(ENOENT)?;
        let route = Self { dst, cookie: 0 };
        Ok((route, flow.saddr.to_ne_bytes()))
    }

    /// The route that an IPv6 packet made by this host would take.
    ///
    /// # Errors
    ///
    /// There is none (`ENETUNREACH` and the like), or no memory.
    pub fn output_v6(net: &Net, query: &Query<[u8; 16]>) -> Result<Self> {
        let mut flow: bindings::flowi6 = pin_init::zeroed();
        flow.daddr = in6_addr(query.destination);
        flow.saddr = in6_addr(query.source.unwrap_or_default());
        flow.__fl_common.flowic_flags = flags(query.known_next_hop);
        // SAFETY: The namespace is valid, and the flow is initialised.
        let dst = unsafe {
            bindings::ip6_route_output_flags(net.as_ptr(), core::ptr::null(), &mut flow, 0)
        };
        let dst = NonNull::new(dst).ok_or(ENOENT)?;
        // SAFETY: C gives a valid route of IPv6.
        let cookie = unsafe { bindings::rt6_cookie(dst.as_ptr()) };
        // INVARIANT: The reference that C took is ours.
        let route = Self { dst, cookie };
        // SAFETY: By the type invariant. A route that says "no" is a route too.
        kernel::error::to_result(i32::from(unsafe { (*dst.as_ptr()).error }))?;
        Ok(route)
    }

    /// The route, for calls into C.
    #[inline]
    pub(crate) fn as_ptr(&self) -> *mut bindings::dst_entry {
        self.dst.as_ptr()
    }

    /// Gives the reference to C.
    #[inline]
    pub(crate) fn into_raw(self) -> NonNull<bindings::dst_entry> {
        let dst = self.dst;
        core::mem::forget(self);
        dst
    }

    /// Whether the route leads to this host.
    #[inline]
    pub fn is_local(&self) -> bool {
        // SAFETY: By the type invariant the route is valid.
        unsafe { is_local(self.dst) }
    }

    /// Whether packets leave by the loopback device: those for this host, and those that a route sends
    /// there.
    pub fn is_by_loopback(&self, _: &Guard) -> bool {
        // SAFETY: By the type invariant the route is valid, and the guard is a read-side section.
        unsafe { is_by_loopback(self.dst) }
    }

    /// The largest packet that the route takes, in bytes.
    #[inline]
    pub fn mtu(&self) -> u32 {
        // SAFETY: By the type invariant the route is valid.
        unsafe { bindings::dst_mtu(self.as_ptr()) }
    }

    /// Whether a lookup would still give this route. One that is not valid is never so again.
    #[inline]
    pub fn is_valid(&self) -> bool {
        let dst = self.as_ptr();
        // SAFETY: By the type invariant the route is valid.
        let obsolete = unsafe { &raw const (*dst).obsolete };
        // SAFETY: As is said of `obsolete`; an aligned number is read whole.
        let obsolete = unsafe { obsolete.read_volatile() };
        if obsolete == 0 {
            return true;
        }
        // SAFETY: By the type invariant the route is valid.
        let operations = unsafe { (*dst).ops };
        // SAFETY: The operations of a route never change, and live as long as it does.
        let Some(check) = (unsafe { (*operations).check }) else {
            return false;
        };
        // SAFETY: By the type invariant the route is valid; it is C's function for it.
        !unsafe { check(dst, self.cookie) }.is_null()
    }

    /// The address that packets to `destination` would have on this route of IPv6.
    ///
    /// # Errors
    ///
    /// `EADDRNOTAVAIL`: the host has none.
    pub fn source_v6(&self, net: &Net, destination: [u8; 16]) -> Result<[u8; 16]> {
        let mut source = in6_addr([0; 16]);
        let _guard = rcu::read_lock();
        // SAFETY: The namespace is valid, the device is so in this read-side section, and the
        // addresses are initialised.
        kernel::error::to_result(unsafe {
            bindings::ipv6_dev_get_saddr(
                net.as_ptr(),
                self.device(),
                &in6_addr(destination),
                0,
                &mut source,
            )
        })?;
        // SAFETY: All members of the union are these bytes.
        Ok(unsafe { source.in6_u.u6_addr8 })
    }

    /// The route that what is sent from `source` to `destination` by this route of IPv6 takes if
    /// it must be encrypted.
    ///
    /// # Errors
    ///
    /// It may not be sent.
    pub fn xfrm_lookup_v6(
        self,
        net: &Net,
        source: [u8; 16],
        destination: [u8; 16],
    ) -> Result<Self> {
        let mut flow: bindings::flowi = pin_init::zeroed();
        // SAFETY: All members of the union are plain numbers, and it was zero.
        let ip6 = unsafe { &mut flow.u.ip6 };
        (ip6.saddr, ip6.daddr) = (in6_addr(source), in6_addr(destination));
        // SAFETY: The namespace is valid, the flow is initialised, and we give up the route.
        let dst = from_err_ptr(unsafe {
            bindings::xfrm_lookup(net.as_ptr(), self.into_raw().as_ptr(), &flow)
        })?;
        let dst = NonNull::new(dst).ok_or(ENOENT)?;
        // SAFETY: C gives a valid route, of IPv6 or wrapped around one.
        let cookie = unsafe { bindings::rt6_cookie(dst.as_ptr()) };
        // INVARIANT: The reference that C took is ours.
        Ok(Self { dst, cookie })
    }

    /// The device that the route leaves by now.
    fn device(&self) -> *mut bindings::net_device {
        // SAFETY: By the type invariant the route is valid.
        unsafe { device(self.dst) }
    }
}

impl Drop for Route {
    fn drop(&mut self) {
        // SAFETY: By the type invariant a reference to the route is ours; the value is not used again.
        unsafe { bindings::dst_release(self.as_ptr()) };
    }
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

/// An address as C has it.
fn in6_addr(octets: [u8; 16]) -> bindings::in6_addr {
    let mut addr: bindings::in6_addr = pin_init::zeroed();
    addr.in6_u.u6_addr8 = octets;
    addr
}

/// The flags of a lookup.
fn flags(known_next_hop: bool) -> u8 {
    match known_next_hop {
        // CAST: A flag of a byte.
        true => bindings::FLOWI_FLAG_KNOWN_NH as u8,
        false => 0,
    }
}

/// Whether a route leads to this host.
///
/// # Safety
///
/// `dst` must be valid.
#[inline]
pub(crate) unsafe fn is_local(dst: NonNull<bindings::dst_entry>) -> bool {
    // SAFETY: By the contract the route is valid.
    let family = unsafe { family(dst) };
    let dst = dst.as_ptr();
    match family {
        bindings::AF_INET => {
            // SAFETY: The route is the first part of IPv4's table entry.
            let flags = unsafe { (*dst.cast::<bindings::rtable>()).rt_flags };
            flags & bindings::RTCF_LOCAL != 0
        }
        bindings::AF_INET6 => {
            // SAFETY: The route is the first part of IPv6's table entry.
            let flags = unsafe { (*dst.cast::<bindings::rt6_info>()).rt6i_flags };
            flags & bindings::RTF_LOCAL != 0
        }
        _ => false,
    }
}

/// The family of a route, as sockets have it. It is none of IP where a tunnel's notes take the place
/// of a route.
///
/// # Safety
///
/// `dst` must be valid.
#[inline]
unsafe fn family(dst: NonNull<bindings::dst_entry>) -> u32 {
    // SAFETY: By the contract the route is valid.
    let operations = unsafe { (*dst.as_ptr()).ops };
    // SAFETY: The operations of a route never change, and live as long as it does.
    u32::from(unsafe { (*operations).family })
}

/// Whether a route is one of `family`.
///
/// # Safety
///
/// `dst` must be valid.
#[inline]
pub(crate) unsafe fn is_of(dst: NonNull<bindings::dst_entry>, wanted: Family) -> bool {
    // SAFETY: By the contract the route is valid.
    let family = unsafe { family(dst) };
    match wanted {
        Family::V4 => family == bindings::AF_INET,
        Family::V6 => family == bindings::AF_INET6,
    }
}

/// Whether a route leaves by the loopback device.
///
/// # Safety
///
/// `dst` must be valid, in an RCU read-side section.
pub(crate) unsafe fn is_by_loopback(dst: NonNull<bindings::dst_entry>) -> bool {
    // SAFETY: By the contract the route is valid.
    let device = unsafe { device(dst) };
    // SAFETY: A route always has a device, which the read-side section keeps.
    let flags = unsafe { &raw const (*device).flags };
    // SAFETY: As is said of `flags`; an aligned number is read whole.
    let flags = unsafe { flags.read_volatile() };
    flags & bindings::net_device_flags_IFF_LOOPBACK != 0
}

/// The device that a route leaves by now.
///
/// # Safety
///
/// `dst` must be valid.
unsafe fn device(dst: NonNull<bindings::dst_entry>) -> *mut bindings::net_device {
    // SAFETY: By the contract the route is valid.
    let place = unsafe { &raw const (*dst.as_ptr()).__bindgen_anon_1 };
    // SAFETY: All members of the union are this pointer, which is aligned and read whole.
    unsafe { place.cast::<*mut bindings::net_device>().read_volatile() }
}
