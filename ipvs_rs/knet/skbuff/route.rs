// SPDX-License-Identifier: GPL-2.0

//! The route that is attached to a packet.

use core::ptr::NonNull;
use ipvs_sys as bindings;

use super::Skb;
use crate::{
    netfilter::Family,
    rcu::Guard,
    route::{dst as c_route, Route},
};

/// Set in the field beside the pointer if the packet holds no reference to the route.
const NOREF: usize = bindings::SKB_DST_NOREF as usize;

impl Skb {
    /// Whether a route is attached.
    #[inline]
    pub fn has_route(&self) -> bool {
        self.attached().is_some()
    }

    /// Whether a route is attached that leads to this host.
    #[inline]
    pub fn route_is_local(&self) -> bool {
        let Some(dst) = self.attached() else {
            return false;
        };
        // SAFETY: The route of a packet is valid in the read-side section of the type invariant.
        unsafe { c_route::is_local(dst) }
    }

    /// Whether the output device of the attached route is the loopback device.
    pub fn route_is_by_loopback(&self) -> bool {
        let Some(dst) = self.attached() else {
            return false;
        };
        // SAFETY: The route of a packet is valid in the read-side section of the type invariant.
        unsafe { c_route::is_by_loopback(dst) }
    }

    /// Whether the packet is of `family` and a route of this family is attached.
    #[inline]
    pub(crate) fn has_route_of(&self, family: Family) -> bool {
        let Some(dst) = self.attached() else {
            return false;
        };
        // SAFETY: The route of a packet is valid in the read-side section of the type invariant.
        self.is_of(family) && unsafe { c_route::is_of(dst, family) }
    }

    /// Attaches `route` in place of the present one.
    #[inline]
    pub fn set_route(&mut self, route: Route) {
        // CAST: A pointer in a field that also has a bit for flags.
        self.attach(route.into_raw().as_ptr() as usize);
    }

    /// Attaches `route` in place of the present one, without a reference of its own.
    ///
    /// The read-side section keeps the route alive, even if its last reference is dropped. C takes a
    /// reference before it lets a packet outlive the section.
    #[inline]
    pub fn set_route_noref(&mut self, route: &Route, _guard: &Guard) {
        // CAST: A pointer in a field that also has a bit for flags.
        self.attach(route.as_ptr() as usize | NOREF);
    }

    /// Replaces the route field, and drops the reference of the old value if it has one.
    #[inline]
    fn attach(&mut self, new: usize) {
        // SAFETY: By the type invariant the packet is valid.
        let field = unsafe { &raw mut (*self.as_ptr()).__bindgen_anon_3 };
        // SAFETY: At the network layer this union begins with the route, in a word. It is ours, as the
        // packet is by the type invariant.
        let old = unsafe { field.cast::<usize>().replace(new) };
        self.headers_mut().set_slow_gro(1);
        if old & NOREF == 0 {
            // SAFETY: That reference was the packet's, and is no longer in the field. Null is fine.
            unsafe { bindings::dst_release(old as *mut bindings::dst_entry) };
        }
    }

    /// The attached route.
    #[inline]
    pub(crate) fn attached(&self) -> Option<NonNull<bindings::dst_entry>> {
        // SAFETY: By the type invariant the packet is valid.
        let place = unsafe { (*self.as_ptr()).__bindgen_anon_3 };
        // SAFETY: At the network layer this union holds the route.
        let field = unsafe { place.__bindgen_anon_1 }._skb_refdst;
        NonNull::new((field & !NOREF) as *mut bindings::dst_entry)
    }
}
