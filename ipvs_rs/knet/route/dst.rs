// SPDX-License-Identifier: GPL-2.0

//! Functions on C's routes (`struct dst_entry`), to which a [`Route`](super::Route) or a packet points.

use core::ptr::NonNull;
use ipvs_sys as bindings;

use crate::netfilter::Family;

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

/// The address family of a route, as a number of sockets (`AF_INET`). A tunnel's metadata that takes the
/// place of a route has another family.
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

/// Whether the output device of a route is the loopback device.
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

/// The present output device of a route.
///
/// # Safety
///
/// `dst` must be valid.
pub(super) unsafe fn device(dst: NonNull<bindings::dst_entry>) -> *mut bindings::net_device {
    // SAFETY: By the contract the route is valid.
    let place = unsafe { &raw const (*dst.as_ptr()).__bindgen_anon_1 };
    // SAFETY: All members of the union are this pointer, which is aligned and read whole.
    unsafe { place.cast::<*mut bindings::net_device>().read_volatile() }
}
