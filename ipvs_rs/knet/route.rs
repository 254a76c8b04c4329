// SPDX-License-Identifier: GPL-2.0

//! Routes: the next hop and the output device of packets.
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
    skbuff::Skb,
};

/// A route, with a reference to it.
///
/// C frees a route a grace period after its last reference is gone. Until then the route holds
/// references to devices: its output device, and others that its owner cannot know. A route of IPv6 holds
/// the table entry from which it was made and the device of that entry, even if the output device is
/// another one (for an address of this host) or C has replaced the output device. A route through a
/// policy holds all routes that it wraps.
///
/// # Invariants
///
/// `dst` is a valid route of `family`, and a reference to it belongs to this value.
pub struct Route {
    dst: NonNull<bindings::dst_entry>,
    family: Family,
    /// The cookie from which IPv6 knows whether its tables have changed since the lookup. IPv4 has none.
    cookie: u32,
}

// SAFETY: References to routes may be given up from any context.
unsafe impl Send for Route {}
// SAFETY: What can be done with `&Route` C does on several CPUs at once, too.
unsafe impl Sync for Route {}

/// The key of a route lookup. `A` is an address of the family, in network order.
#[derive(Clone, Copy, Debug)]
pub struct Query<A> {
    /// The address to reach.
    pub destination: A,
    /// The source address, if it is known already.
    pub source: Option<A>,
    /// Whether `destination` must itself be the next hop, because packets will have another destination.
    pub known_next_hop: bool,
}

impl Route {
    /// Looks up the route of an IPv4 packet from this host. Returns the route and the source address
    /// that the packet would have.
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

    /// Looks up the route of an IPv6 packet from this host.
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
        // SAFETY: By the type invariant; C returns its errors as valid routes.
        kernel::error::to_result(i32::from(unsafe { (*dst.as_ptr()).error }))?;
        Ok(route)
    }

    /// Another reference to the route, unless C is about to free it.
    pub fn try_clone(&self) -> Option<Self> {
        // SAFETY: By the type invariant the route is valid.
        let is_held = unsafe { bindings::dst_hold_safe(self.as_ptr()) };
        // INVARIANT: The reference that was just taken is this value's.
        is_held.then_some(Self {
            dst: self.dst,
            family: self.family,
            cookie: self.cookie,
        })
    }

    /// A reference to the route that is attached to a packet, if it is of the packet's family, and C is not about to free it.
    pub fn of_packet(skb: &Skb) -> Option<Self> {
        let families = [Family::V4, Family::V6];
        let family = families.into_iter().find(|it| skb.has_route_of(*it))?;
        let dst = skb.attached()?;
        // SAFETY: The route of a packet is valid in the read-side section in which the packet exists.
        if !unsafe { bindings::dst_hold_safe(dst.as_ptr()) } {
            return None;
        }
        let cookie = match family {
            Family::V4 => 0,
            // SAFETY: It is a valid route of IPv6.
            Family::V6 => unsafe { bindings::rt6_cookie(dst.as_ptr()) },
        };
        // INVARIANT: It is a route of this family, and the reference that was just taken is this value's.
        Some(Self {
            dst,
            family,
            cookie,
        })
    }

    /// Whether both are the same route.
    #[inline]
    pub fn is_same(&self, other: &Self) -> bool {
        self.dst == other.dst
    }

    /// A number that tells routes apart that exist at the same time.
    #[inline]
    pub fn number(&self) -> usize {
        self.dst.as_ptr() as usize
    }

    /// The address family of the route.
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

    /// Whether the output device is the loopback device: the route leads to this host, or was configured so.
    pub fn is_by_loopback(&self, _: &Guard) -> bool {
        // SAFETY: By the type invariant the route is valid, and the guard is a read-side section.
        unsafe { dst::is_by_loopback(self.dst) }
    }

    /// The maximum length of a packet on this route, in bytes.
    #[inline]
    pub fn mtu(&self) -> u32 {
        // SAFETY: By the type invariant the route is valid.
        unsafe { bindings::dst_mtu(self.as_ptr()) }
    }

    /// Whether a lookup would still return this route. An invalid route never becomes valid again.
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

    /// The source address that packets to `destination` would have on this route of IPv6.
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

    /// Applies the IPsec policies for packets from `source` to `destination` to this route of IPv6.
    /// Returns the route that they take, which is this route if no policy transforms them.
    ///
    /// # Errors
    ///
    /// The error of C if a policy forbids to send such packets, or the lookup fails.
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

    /// The present output device of the route.
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

/// The C structure of an IPv6 address.
pub(crate) fn in6_addr(octets: [u8; 16]) -> bindings::in6_addr {
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
