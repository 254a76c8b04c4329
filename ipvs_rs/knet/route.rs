// SPDX-License-Identifier: GPL-2.0

//! Routes: where a packet goes next.
//!
//! C headers: [`include/net/dst.h`](srctree/include/net/dst.h),
//! [`include/net/route.h`](srctree/include/net/route.h)

mod address;
pub(crate) mod dst;

pub use address::{address_type_v4, address_type_v6, has_ipv6, is_unicast_v6, AddressType};

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
/// `dst` is a valid route of `family`, and a reference to it belongs to this value.
pub struct Route {
    dst: NonNull<bindings::dst_entry>,
    family: Family,
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
        let route = Self {
            dst,
            family: Family::V4,
            cookie: 0,
        };
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
        let route = Self {
            dst,
            family: Family::V6,
            cookie,
        };
        // SAFETY: By the type invariant. A route that says "no" is a route too.
        kernel::error::to_result(i32::from(unsafe { (*dst.as_ptr()).error }))?;
        Ok(route)
    }

    /// The version of the Internet protocol whose packets take it.
    #[inline]
    pub(crate) fn family(&self) -> Family {
        self.family
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
        unsafe { dst::is_local(self.dst) }
    }

    /// Whether packets leave by the loopback device: those for this host, and those that a route sends
    /// there.
    pub fn is_by_loopback(&self, _: &Guard) -> bool {
        // SAFETY: By the type invariant the route is valid, and the guard is a read-side section.
        unsafe { dst::is_by_loopback(self.dst) }
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
        if self.family != Family::V6 {
            return Err(EINVAL);
        }
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
        Ok(Self {
            dst,
            family: Family::V6,
            cookie,
        })
    }

    /// The device that the route leaves by now.
    fn device(&self) -> *mut bindings::net_device {
        // SAFETY: By the type invariant the route is valid.
        unsafe { dst::device(self.dst) }
    }
}

impl Drop for Route {
    fn drop(&mut self) {
        // SAFETY: By the type invariant a reference to the route is ours; the value is not used again.
        unsafe { bindings::dst_release(self.as_ptr()) };
    }
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
