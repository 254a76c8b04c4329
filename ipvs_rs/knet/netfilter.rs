// SPDX-License-Identifier: GPL-2.0

//! Netfilter hooks: looking at every packet that passes a point of the network stack, and deciding
//! what becomes of it.
//!
//! A [`Handler`] is given the packet, owned, and gives it back in its [`Verdict`] unless it has
//! made something else of it. [`Hooks`] are handlers that are registered in one namespace and share
//! a state.
//!
//! # Examples
//!
//! ```rust
//! # use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
//! # use kernel::prelude::*;
//! # use knet::{
//! #     net_namespace::Net,
//! #     netfilter::{hook, Family, Handler, HookState, Hooks, InetHook, Verdict},
//! #     rcu::{Arc, Ref},
//! #     skbuff::Skb,
//! # };
//! struct Forwarded(AtomicU64);
//!
//! struct Count;
//!
//! impl Handler<Forwarded> for Count {
//!     const FAMILY: Family = Family::V4;
//!     const HOOK: InetHook = InetHook::Forward;
//!     const PRIORITY: i32 = 0;
//!
//!     fn handle(forwarded: Ref<'_, Forwarded>, skb: Skb, _: &HookState<'_>) -> Verdict {
//!         forwarded.0.fetch_add(1, Relaxed);
//!         Verdict::Accept(skb)
//!     }
//! }
//!
//! let forwarded = Arc::new(Forwarded(AtomicU64::new(0)), GFP_KERNEL)?;
//! let hooks = Hooks::register(Net::init(), forwarded, &[hook::<Forwarded, Count>()])?;
//! hooks.unregister(Net::init());
//! # Ok::<(), Error>(())
//! ```
//!
//! C header: [`include/linux/netfilter.h`](srctree/include/linux/netfilter.h)

pub mod conntrack;
mod defrag;
mod hooks;

pub use defrag::DefragV6;
pub use hooks::{hook, Hook, Hooks};

use ipvs_sys as bindings;

use crate::{
    net_namespace::Net,
    rcu::{Guard, Ref},
    skbuff::Skb,
};

/// The protocols whose packets a hook is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Family {
    /// IPv4.
    V4 = bindings::NFPROTO_IPV4 as u8,
    /// IPv6.
    V6 = bindings::NFPROTO_IPV6 as u8,
}

/// The points of the network layer that have hooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum InetHook {
    /// Packets that came in, before they are routed.
    PreRouting = bindings::nf_inet_hooks_NF_INET_PRE_ROUTING as u8,
    /// Packets to this host.
    LocalIn = bindings::nf_inet_hooks_NF_INET_LOCAL_IN as u8,
    /// Packets that this host passes on.
    Forward = bindings::nf_inet_hooks_NF_INET_FORWARD as u8,
    /// Packets that this host makes.
    LocalOut = bindings::nf_inet_hooks_NF_INET_LOCAL_OUT as u8,
    /// Packets that are about to leave.
    PostRouting = bindings::nf_inet_hooks_NF_INET_POST_ROUTING as u8,
}

/// What becomes of a packet.
#[must_use]
pub enum Verdict {
    /// It goes on to the next hook.
    Accept(Skb),
    /// It is dropped, and a local sender is told.
    Drop(Skb),
    /// The handler has sent it elsewhere, kept it or freed it.
    Stolen,
}

/// The circumstances in which a handler is called.
pub struct HookState<'a> {
    /// The namespace that the packet is in.
    pub net: &'a Net,
    /// Where the packet is.
    pub hook: InetHook,
    /// The read-side section that C has opened around the hooks.
    pub rcu: &'a Guard,
}

/// A function for packets, with a state of type `T`.
pub trait Handler<T: Send + Sync + 'static> {
    /// The protocols it is for.
    const FAMILY: Family;
    /// The point it is for.
    const HOOK: InetHook;
    /// Hooks at one point are called in ascending order of this number.
    const PRIORITY: i32;

    /// Decides what becomes of `skb`. Called with an RCU read-side section open, mostly in softirq
    /// context.
    fn handle(state: Ref<'_, T>, skb: Skb, context: &HookState<'_>) -> Verdict;
}
