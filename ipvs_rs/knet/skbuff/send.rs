// SPDX-License-Identifier: GPL-2.0

//! Sending a packet, and telling its sender that it cannot be sent.

use ipvs_sys as bindings;
use kernel::prelude::*;

use super::Skb;
use crate::{net_namespace::Net, netfilter::Family, rcu::Guard, route::Route};

impl Skb {
    /// Attaches `route` in place of the present route and sends the packet: see
    /// [`Skb::forward_v4`] and [`Skb::set_route_noref`]. A packet of another family than the route is dropped.
    #[inline]
    pub fn forward_by(mut self, route: &Route, net: &Net, guard: &Guard) {
        let family = route.family();
        if !self.is_of(family) {
            return;
        }
        self.set_route_noref(route, guard);
        let skb = self.into_raw();
        match family {
            // SAFETY: We give up the packet. It and its route are of IPv4, and by the type invariant it begins
            // with such a header.
            Family::V4 => unsafe { bindings::forward_v4(net.as_ptr(), skb.as_ptr()) },
            // SAFETY: We give up the packet. It and its route are of IPv6, and by the type invariant it begins
            // with such a header.
            Family::V6 => unsafe { bindings::forward_v6(net.as_ptr(), skb.as_ptr()) },
        }
    }

    /// Sends an IPv4 packet by the attached route, through the hooks at `LOCAL_OUT` first.
    ///
    /// Sets `ipvs_property`, lets go of the socket that was to receive the packet, and makes the
    /// checksum state and the time stamp those of a packet to be sent. If the packet is larger than
    /// the link takes, it will be fragmented. Without a route of IPv4 the packet is dropped, as is one
    /// that is not of IPv4.
    #[inline]
    pub fn forward_v4(self, net: &Net) {
        if !self.has_route_of(Family::V4) {
            return;
        }
        let skb = self.into_raw();
        // SAFETY: We give up the packet. It and its route are of IPv4, and by the type invariant it
        // begins with such a header.
        unsafe { bindings::forward_v4(net.as_ptr(), skb.as_ptr()) };
    }

    /// Sends an IPv6 packet as [`Skb::forward_v4`].
    #[inline]
    pub fn forward_v6(self, net: &Net) {
        if !self.has_route_of(Family::V6) {
            return;
        }
        let skb = self.into_raw();
        // SAFETY: We give up the packet. It and its route are of IPv6, and by the type invariant it
        // begins with such a header.
        unsafe { bindings::forward_v6(net.as_ptr(), skb.as_ptr()) };
    }

    /// Looks up the route of an IPv6 packet again. See [`Skb::route_me_harder_v4`].
    ///
    /// # Errors
    ///
    /// The packet has no route now, or one that is not to be used: drop it.
    pub fn route_me_harder_v6(&mut self, net: &Net) -> Result {
        if !self.has_route_of(Family::V6) {
            return Err(ENOENT);
        }
        // SAFETY: By the type invariant the packet is valid.
        let socket = unsafe { (*self.as_ptr()).sk };
        // SAFETY: The packet and its route are of IPv6, and by the type invariant it begins with such a
        // header. No reference into the data is left, as `self` is borrowed mutably.
        kernel::error::to_result(unsafe {
            bindings::ip6_route_me_harder(net.as_ptr(), socket, self.as_ptr())
        })
    }

    /// Looks up the route of an IPv4 packet again, as if this host had made it.
    ///
    /// To be called after the source address was changed, which routing rules may look at.
    ///
    /// # Errors
    ///
    /// The packet has no route now, or one that is not to be used: drop it.
    pub fn route_me_harder_v4(&mut self, net: &Net) -> Result {
        if !self.has_route_of(Family::V4) {
            return Err(ENOENT);
        }
        // SAFETY: By the type invariant the packet is valid.
        let socket = unsafe { (*self.as_ptr()).sk };
        // SAFETY: The packet and its route are of IPv4, and by the type invariant it begins with such a
        // header. No reference into the data is left, as `self` is borrowed mutably.
        kernel::error::to_result(unsafe {
            bindings::ip_route_me_harder(net.as_ptr(), socket, self.as_ptr(), bindings::RTN_LOCAL)
        })
    }

    /// Tells the path MTU to the sender, if the sender is a socket of this host.
    #[inline]
    pub fn update_sender_pmtu(&self, mtu: u32) {
        if !self.has_device() && self.has_route() {
            // SAFETY: By the type invariant the packet is valid; it has a route. C reads neither its
            // headers nor its data.
            unsafe { bindings::dst_update_sender_pmtu(self.as_ptr(), mtu) };
        }
    }

    /// Tells the sender that the destination is unreachable, by the function of the attached route. Does nothing
    /// if the route is not of the packet's family.
    pub fn link_failure(&mut self) {
        if self.has_route_of(Family::V4) || self.has_route_of(Family::V6) {
            // SAFETY: The packet and its route are of one family, and by the type invariant it begins
            // with such a header. C may move the data, but no reference into it is left, as `self` is
            // borrowed mutably.
            unsafe { bindings::dst_link_failure(self.as_ptr()) };
        }
    }
}
