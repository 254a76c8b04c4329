// SPDX-License-Identifier: GPL-2.0

//! Ways that packets have taken through this host, and that others like them may take again for a second.
//!
//! A [`Passage`] is made of a packet that is about to leave: it keeps the packet's route, and what a later packet has to have in
//! common with it. Where such a packet is met again, it gets the route without a lookup ([`Passage::follows`]), or leaves right
//! away, past the functions of the stack that would decide the same about it ([`Passage::admits`], [`Passage::send`]).
//!
//! A passage does not look at addresses and ports: whoever keeps it for packets of one flow tells them apart. It ends with any
//! change of the routing tables of its namespace (addresses and devices change these, too), and when a second is over, so that
//! nothing else that routing would look at is outdated for longer.

use ipvs_sys as bindings;

use crate::{
    net_namespace::Net,
    netfilter::Family,
    rcu::{Guard, Ref},
    route::Route,
    skbuff::Skb,
};

/// Why a packet may not take a passage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Barred {
    /// The second is over, or routes have changed.
    Over,
    /// The packet came in by another device, or has another mark or class of service.
    Different,
    /// The packet is larger than the way takes, or was put together of fragments.
    Size,
    /// The packet is another's business as well: of a socket, of IPsec, of a bridge.
    Special,
    /// Somebody else has hooks that the packet would not pass.
    Hooks,
}

/// A way that a packet has taken.
///
/// # Invariants
///
/// `terms` were filled in by C for a packet that came in by a device, and for `route`, whose packets are just handed to its
/// device by a neighbour.
pub struct Passage {
    route: Route,
    terms: bindings::ipvs_passage_terms,
    arriving: Family,
}

impl Passage {
    /// The way of `skb`, a packet of `family` that has come in by a device of `net` and is about to leave by `route`; [`None`]
    /// if no other packet may follow it: it was made here, or is for more than one link, or more than the route decides about it.
    pub fn new(net: &Net, skb: &Skb, family: Family, route: Route, _guard: &Guard) -> Option<Self> {
        if !skb.is_of(family) {
            return None;
        }
        let mut terms: bindings::ipvs_passage_terms = pin_init::zeroed();
        // SAFETY: The namespace and the route are valid, and the guard keeps the route's device. By the type invariant the packet
        // begins with a header of its family.
        let may_be_followed = unsafe {
            bindings::passage_terms(
                net.as_ptr(),
                skb.as_ptr(),
                route.as_ptr(),
                family as u8,
                &mut terms,
            )
        };
        // INVARIANT: C has just filled them in.
        may_be_followed.then_some(Self {
            route,
            terms,
            arriving: family,
        })
    }

    /// The route.
    #[inline]
    pub fn route(&self) -> &Route {
        &self.route
    }

    /// Whether no packet may take this way any more: the second is over, or routes have changed.
    pub fn is_over(&self, net: &Net, _guard: &Guard) -> bool {
        // SAFETY: By the type invariants all of it is valid. The guard keeps what C reads of the routing tables.
        unsafe { bindings::passage_is_over(net.as_ptr(), self.route.as_ptr(), &self.terms) }
    }

    /// Whether a packet is like the one of which the passage was made, and would be routed as that was.
    #[inline]
    pub fn follows(&self, net: &Net, skb: &Skb, _guard: &Guard) -> bool {
        if !skb.is_of(self.arriving) {
            return false;
        }
        // SAFETY: By the type invariants all of it is valid, and the packet begins with a header of its family. The guard keeps what
        // C reads of the routing tables.
        let outcome = unsafe {
            bindings::passage_follows(net.as_ptr(), skb.as_ptr(), self.route.as_ptr(), &self.terms)
        };
        // CAST: A small number.
        outcome as u32 == bindings::ipvs_passage_IPVS_PASSAGE_OPEN
    }

    /// Whether a packet that was just received may leave by this way at once, after `headers` bytes were put before it. With an
    /// `owner` of hooks: only if [nobody else](hooks_are_of) would miss it.
    ///
    /// # Errors
    ///
    /// See [`Barred`].
    #[inline]
    pub fn admits<T: Send + Sync + 'static>(
        &self,
        net: &Net,
        skb: &Skb,
        headers: u32,
        owner: Option<Ref<'_, T>>,
        _guard: &Guard,
    ) -> Result<(), Barred> {
        let owner = owner.map_or(core::ptr::null(), Ref::as_raw);
        if !skb.is_of(self.arriving) {
            return Err(Barred::Different);
        }
        // SAFETY: By the type invariants all of it is valid, and the packet begins with a header of its family. The guard keeps what
        // C reads of the routing tables and the arrays of hooks. C only compares the owner's pointer.
        let outcome = unsafe {
            bindings::passage_admits(
                net.as_ptr(),
                skb.as_ptr(),
                self.route.as_ptr(),
                &self.terms,
                headers,
                owner,
            )
        };
        // CAST: A small number.
        match outcome as u32 {
            bindings::ipvs_passage_IPVS_PASSAGE_OPEN => Ok(()),
            other => Err(Self::barred(other)),
        }
    }

    #[cold]
    fn barred(outcome: u32) -> Barred {
        match outcome {
            bindings::ipvs_passage_IPVS_PASSAGE_OVER => Barred::Over,
            bindings::ipvs_passage_IPVS_PASSAGE_DIFFERENT => Barred::Different,
            bindings::ipvs_passage_IPVS_PASSAGE_SIZE => Barred::Size,
            bindings::ipvs_passage_IPVS_PASSAGE_HOOKS => Barred::Hooks,
            _ => Barred::Special,
        }
    }

    /// Sends a packet by this way, through the hooks at `POST_ROUTING` only. Sets `ipvs_property`, and makes it untracked if connection
    /// tracking has seen it. `is_forwarded` tells whether
    /// routing would have forwarded the packet, and counted it so. A packet of another family than the route is dropped.
    #[inline]
    pub fn send(&self, net: &Net, skb: Skb, is_forwarded: bool, _guard: &Guard) {
        let family = self.route.family();
        if !skb.is_of(family) {
            return;
        }
        let (skb, dst) = (skb.into_raw(), self.route.as_ptr());
        match family {
            // SAFETY: We give up the packet. It and the route are of IPv4, and by the type invariants it begins with such a header,
            // and the route hands it to a neighbour. The read-side section keeps the route.
            Family::V4 => unsafe {
                bindings::passage_send_v4(net.as_ptr(), skb.as_ptr(), dst, is_forwarded)
            },
            // SAFETY: The same of IPv6.
            Family::V6 => unsafe {
                bindings::passage_send_v6(net.as_ptr(), skb.as_ptr(), dst, is_forwarded)
            },
        }
    }
}

/// Whether nobody but the hooks with the state `owner` would miss packets of `family` that pass by all points between
/// `PRE_ROUTING` and `POST_ROUTING`. Others may have hooks at `LOCAL_IN` behind the owner's.
#[inline]
pub fn hooks_are_of<T: Send + Sync + 'static>(
    net: &Net,
    family: Family,
    owner: Ref<'_, T>,
    _guard: &Guard,
) -> bool {
    // SAFETY: The namespace is valid, and the guard keeps the arrays of hooks. C only compares the owner's pointer.
    unsafe { bindings::hooks_are_of(net.as_ptr(), family as u8, owner.as_raw()) }
}
