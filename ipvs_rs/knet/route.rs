// SPDX-License-Identifier: GPL-2.0

//! Routes: where a packet goes next.
//!
//! C headers: [`include/net/dst.h`](srctree/include/net/dst.h),
//! [`include/net/route.h`](srctree/include/net/route.h)

use core::ptr::NonNull;
use ipvs_sys as bindings;
use kernel::{error::from_err_ptr, prelude::*};

use crate::{net_namespace::Net, rcu::Guard};

/// A route, with a reference to it.
///
/// C frees a route a grace period after its last reference is gone.
///
/// # Invariants
///
/// `dst` is a valid route, and a reference to it belongs to this value.
pub struct Route {
    dst: NonNull<bindings::dst_entry>,
}

// SAFETY: References to routes may be given up from any context.
unsafe impl Send for Route {}
// SAFETY: What can be done with `&Route` C does on several CPUs at once, too.
unsafe impl Sync for Route {}

/// What to look up an IPv4 route by.
#[derive(Clone, Copy, Debug)]
pub struct QueryV4 {
    /// The address to reach.
    pub destination: [u8; 4],
    /// The address to send from, if it is decided already.
    pub source: Option<[u8; 4]>,
    /// Whether `destination` must itself be the next hop, whatever the packet will be addressed to.
    pub known_next_hop: bool,
}

/// What an IPv4 address is to this host.
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
    /// The route that a packet made by this host would take.
    ///
    /// # Errors
    ///
    /// There is none (`ENETUNREACH` and the like), or no memory.
    pub fn output_v4(net: &Net, query: &QueryV4) -> Result<Self> {
        let mut flow: bindings::flowi4 = pin_init::zeroed();
        flow.daddr = u32::from_ne_bytes(query.destination);
        flow.saddr = u32::from_ne_bytes(query.source.unwrap_or_default());
        if query.known_next_hop {
            // CAST: A flag of a byte.
            flow.__fl_common.flowic_flags = bindings::FLOWI_FLAG_KNOWN_NH as u8;
        }
        // SAFETY: The namespace is valid, and the flow is initialised.
        let table =
            unsafe { bindings::ip_route_output_flow(net.as_ptr(), &mut flow, core::ptr::null()) };
        // INVARIANT: The reference that C took is ours. The route is the table entry's first part.
        let dst = from_err_ptr(table)?.cast();
        NonNull::new(dst).map(|dst| Self { dst }).ok_or(ENOENT)
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
        // SAFETY: By the type invariant.
        unsafe { is_local(self.dst) }
    }

    /// The largest packet that the route takes, in bytes.
    #[inline]
    pub fn mtu(&self) -> u32 {
        // SAFETY: By the type invariant.
        unsafe { bindings::dst_mtu(self.as_ptr()) }
    }

    /// Whether a lookup would still give this route. One that is not valid is never so again.
    #[inline]
    pub fn is_valid(&self) -> bool {
        let dst = self.as_ptr();
        // SAFETY: By the type invariant; an aligned number is read whole.
        let obsolete = unsafe { (&raw const (*dst).obsolete).read_volatile() };
        if obsolete == 0 {
            return true;
        }
        // SAFETY: By the type invariant; the operations of a route never change.
        let Some(check) = (unsafe { (*(*dst).ops).check }) else {
            return false;
        };
        // SAFETY: By the type invariant. IPv4 has no cookies.
        !unsafe { check(dst, 0) }.is_null()
    }

    /// Whether the device that the route leaves by is up.
    pub fn device_is_up(&self, _guard: &Guard) -> bool {
        // SAFETY: By the type invariant; an aligned pointer is read whole.
        let device = unsafe { (&raw const (*self.as_ptr()).__bindgen_anon_1.dev).read_volatile() };
        // SAFETY: A route always has a device, which the read-side section keeps.
        let flags = unsafe { (&raw const (*device).flags).read_volatile() };
        flags & bindings::net_device_flags_IFF_UP != 0
    }
}

impl Drop for Route {
    fn drop(&mut self) {
        // SAFETY: By the type invariant; the value is not used again.
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

/// Whether a route leads to this host.
///
/// # Safety
///
/// `dst` must be valid.
#[inline]
pub(crate) unsafe fn is_local(dst: NonNull<bindings::dst_entry>) -> bool {
    let dst = dst.as_ptr();
    // SAFETY: By the contract; the operations of a route never change.
    let family = u32::from(unsafe { (*(*dst).ops).family });
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
