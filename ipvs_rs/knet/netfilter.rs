// SPDX-License-Identifier: GPL-2.0

//! Netfilter hooks. A hook sees every packet that passes one point of the network stack, and decides
//! what happens to it.
//!
//! A [`Handler`] gets the packet by value. It returns the packet in its [`Verdict`], unless it has sent,
//! kept or freed the packet. [`Hooks`] are handlers that are registered in one namespace and share a
//! state.
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
mod queued;

pub use defrag::DefragV6;
pub use hooks::{hook, Hook, Hooks};
pub use queued::QueuedPackets;

use ipvs_sys as bindings;

use crate::{
    net_namespace::Net,
    rcu::{Guard, Ref},
    skbuff::Skb,
};

/// The address family of the packets that a hook sees.
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
    /// `NF_INET_PRE_ROUTING`: packets that arrived, before they are routed.
    PreRouting = bindings::nf_inet_hooks_NF_INET_PRE_ROUTING as u8,
    /// `NF_INET_LOCAL_IN`: packets to this host.
    LocalIn = bindings::nf_inet_hooks_NF_INET_LOCAL_IN as u8,
    /// `NF_INET_FORWARD`: packets that this host forwards.
    Forward = bindings::nf_inet_hooks_NF_INET_FORWARD as u8,
    /// `NF_INET_LOCAL_OUT`: packets that this host makes.
    LocalOut = bindings::nf_inet_hooks_NF_INET_LOCAL_OUT as u8,
    /// `NF_INET_POST_ROUTING`: packets that are about to leave.
    PostRouting = bindings::nf_inet_hooks_NF_INET_POST_ROUTING as u8,
}

impl InetHook {
    /// The point with this number.
    pub(crate) fn from_number(number: u8) -> Option<Self> {
        let all = [
            Self::PreRouting,
            Self::LocalIn,
            Self::Forward,
            Self::LocalOut,
            Self::PostRouting,
        ];
        all.into_iter().find(|hook| *hook as u8 == number)
    }
}

/// The verdict of a handler about a packet.
#[must_use]
pub enum Verdict {
    /// The packet goes on to the next hook.
    Accept(Skb),
    /// The packet is dropped, and a local sender gets an error.
    Drop(Skb),
    /// The handler has sent it elsewhere, kept it or freed it.
    Stolen,
}

/// The circumstances in which a handler is called.
pub struct HookState<'a> {
    /// The namespace that the packet is in.
    pub net: &'a Net,
    /// The hook point that the packet passes.
    pub hook: InetHook,
    /// The read-side section that C has opened around the hooks.
    pub rcu: &'a Guard,
}

/// A function for packets, with a state of type `T`.
pub trait Handler<T: Send + Sync + 'static> {
    /// The address family of the packets.
    const FAMILY: Family;
    /// The hook point.
    const HOOK: InetHook;
    /// Hooks at one point are called in ascending order of this number.
    const PRIORITY: i32;

    /// Decides about `skb`. Called with an RCU read-side section open, mostly in softirq context.
    fn handle(state: Ref<'_, T>, skb: Skb, context: &HookState<'_>) -> Verdict;
}
