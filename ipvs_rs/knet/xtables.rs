// SPDX-License-Identifier: GPL-2.0

//! Matches of iptables: questions that rules ask about packets.
//!
//! A [`Match`] answers the question. An [`Entry`] that is registered lets rules of both versions of IP use it, in iptables and in the
//! compatibility layer of nftables.
//!
//! # Last reader
//!
//! A rule holds a reference to the module of each of its matches, from before the match is asked to check the rule until
//! after the last packet has left the rule: C waits for the packets in a table before it gives up the rules of the table (a count
//! for each CPU, or a grace period), and gives the references back after that. So the module of a match exits
//! when no rule has the match, and no packet is in it.
//!
//! C header: [`include/linux/netfilter/x_tables.h`](srctree/include/linux/netfilter/x_tables.h)

use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    ptr::NonNull,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};
use ipvs_sys as bindings;
use kernel::{error::to_result, prelude::*, transmute::FromBytes, types::Opaque};

use crate::{
    module,
    net_namespace::Net,
    netfilter::{Family, HookState, InetHook},
    rcu::Guard,
    skbuff::Skb,
};

/// A question about packets.
pub trait Match: 'static {
    /// What rules call it, at most 28 bytes.
    const NAME: &'static CStr;

    /// The number of this form of [`Rule`](Self::Rule).
    const REVISION: u8;

    /// What a rule has for the match, as user space has written it.
    type Rule: FromBytes + Sync;

    /// Checks a rule before it is added to a table. `family` is the number of netfilter's if it is not one of IP.
    ///
    /// # Errors
    ///
    /// The rule is refused with this error.
    fn check(family: Result<Family, u8>, rule: &Self::Rule) -> Result;

    /// Whether a packet matches. Called with an RCU read-side section open, on several CPUs at once.
    fn matches(packet: &Skb, rule: &Self::Rule, context: &HookState<'_>) -> bool;
}

/// A match as C lists it: a static of its module, as rules keep pointers to it for as long as they keep the module.
pub struct Entry<M: Match> {
    inner: Opaque<bindings::xt_match>,
    /// Whether it was registered once. It is not written again, as rules may still have it.
    is_used: AtomicBool,
    _match: PhantomData<fn(M)>,
}

// SAFETY: Whoever sets `is_used` writes the structure. From then on C guards its links in the list by a lock, and nobody changes
// the rest.
unsafe impl<M: Match> Sync for Entry<M> {}

impl<M: Match> Entry<M> {
    /// An entry that is not registered.
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        Self {
            inner: Opaque::uninit(),
            is_used: AtomicBool::new(false),
            _match: PhantomData,
        }
    }

    /// Registers the match for the module of the caller. May sleep.
    ///
    /// # Errors
    ///
    /// `EBUSY` if it was registered before, `EINVAL` if the name is too long.
    // Inlined, so that it names the caller's module.
    #[inline]
    pub fn register(&'static self) -> Result<Registration<M>> {
        let mut entry: bindings::xt_match = pin_init::zeroed();
        let (name, place) = (M::NAME.to_bytes(), entry.name.iter_mut());
        // The last byte stays 0.
        if name.len() >= place.len() {
            return Err(EINVAL);
        }
        for (place, byte) in place.zip(name) {
            *place = *byte;
        }
        entry.revision = M::REVISION;
        entry.match_ = Some(matches::<M>);
        entry.checkentry = Some(check::<M>);
        entry.me = module::own().as_ptr().cast();
        // CAST: A few bytes.
        entry.matchsize = size_of::<M::Rule>() as u32;
        // CAST: 0.
        entry.family = bindings::NFPROTO_UNSPEC as u16;
        if self.is_used.swap(true, Relaxed) {
            return Err(EBUSY);
        }
        // SAFETY: This is the only call that comes here, and nobody else has the structure yet.
        unsafe { self.inner.get().write(entry) };
        // SAFETY: The structure is complete. It is a static of the module, which `me` names: rules keep that module, so the
        // structure is there as long as a rule has it, also after it was taken from the list.
        to_result(unsafe { bindings::xt_register_match(self.inner.get()) })?;
        // INVARIANT: C has just put it into the list.
        Ok(Registration { entry: self })
    }
}

/// A match that rules can use. When this is dropped, no further rule can; those that have the match keep it.
///
/// # Invariants
///
/// C has the entry in its list of matches.
pub struct Registration<M: Match> {
    entry: &'static Entry<M>,
}

impl<M: Match> Drop for Registration<M> {
    /// Takes the match from the list. May sleep.
    fn drop(&mut self) {
        // SAFETY: By the type invariant C has it in the list.
        unsafe { bindings::xt_unregister_match(self.entry.inner.get()) };
    }
}

/// The direction of a packet in connection tracking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrackedDirection {
    /// That of the packet that made the entry.
    Original,
    /// The other one.
    Reply,
}

impl Skb {
    /// The direction of the packet, if connection tracking has an entry for it (`CTINFO2DIR`).
    pub fn tracked_direction(&self) -> Option<TrackedDirection> {
        // SAFETY: By the invariant of `Skb` the packet is valid.
        match unsafe { bindings::ct_direction(self.as_ptr()) } {
            0 => Some(TrackedDirection::Original),
            1 => Some(TrackedDirection::Reply),
            _ => None,
        }
    }
}

/// Called by C before a rule is added.
///
/// # Safety
///
/// `parameters` must be what C gives to the check of a match that an [`Entry<M>`] registered.
unsafe extern "C" fn check<M: Match>(parameters: *const bindings::xt_mtchk_param) -> c_int {
    // SAFETY: They are on the stack of the caller.
    let parameters = unsafe { &*parameters };
    let family = match u32::from(parameters.family) {
        bindings::NFPROTO_IPV4 => Ok(Family::V4),
        bindings::NFPROTO_IPV6 => Ok(Family::V6),
        _ => Err(parameters.family),
    };
    // SAFETY: C has compared the size of the rule with `matchsize`, copied the rule, and aligned it. All bytes are valid for the
    // type, and nobody changes them.
    let rule = unsafe { &*parameters.matchinfo.cast::<M::Rule>() };
    match M::check(family, rule) {
        Ok(()) => 0,
        Err(error) => error.to_errno(),
    }
}

/// Called by C for each packet that a rule asks about.
///
/// # Safety
///
/// `skb` and `parameters` must be what C gives to a match that an [`Entry<M>`] registered.
unsafe extern "C" fn matches<M: Match>(
    skb: *const bindings::sk_buff,
    parameters: *mut bindings::xt_action_param,
) -> bool {
    // SAFETY: They are on the stack of the caller.
    let parameters = unsafe { &*parameters };
    // SAFETY: All members of the union are pointers, and C has set that of the match.
    let rule = unsafe { parameters.__bindgen_anon_2.matchinfo };
    // SAFETY: The rule was checked, and no packet is in it any more when C frees it. Nobody changes it meanwhile.
    let rule = unsafe { &*rule.cast::<M::Rule>() };
    // SAFETY: It is on the stack of `nf_hook`.
    let state = unsafe { &*parameters.state };
    let Some(hook) = InetHook::from_number(state.hook) else {
        return false;
    };
    // SAFETY: `nf_hook` calls tables in a read-side section, which stays open until the table has returned.
    let guard = unsafe { Guard::held() };
    // SAFETY: The namespace that the packet is in exists while it is.
    let net = unsafe { Net::from_raw(state.net) };
    let Some(given) = NonNull::new(skb.cast_mut()) else {
        return false;
    };
    // SAFETY: The packet is the table's until it returns, unshared and as C has it at a hook of the network layer, as `check` took
    // rules of IP only. It is lent here: it is never dropped, and nobody is given it but by a shared reference.
    let packet = ManuallyDrop::new(unsafe { Skb::from_raw(given) });
    let context = HookState {
        net,
        hook,
        rcu: &guard,
    };
    M::matches(&packet, rule, &context)
}
