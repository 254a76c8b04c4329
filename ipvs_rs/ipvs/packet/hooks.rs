// SPDX-License-Identifier: GPL-2.0

//! The netfilter hooks by which packets reach IPVS.
//!
//! They are at the points and priorities of the C module, which has two hooks at each point: one for replies, and one for
//! requests (at FORWARD: for ICMP errors about replies). Here one hook handles both, as one search of the connection table
//! finds both.
//!
//! The hook at PRE_ROUTING is ours alone. It is there while the sysctl `early_path` is 2, or is 1 and nobody else has hooks that an
//! early packet would pass by.
//!
//! | point       | priority |                                                      |
//! |-------------|----------|------------------------------------------------------|
//! | PRE_ROUTING | the last | packets of established connections: see [`early`]    |
//! | LOCAL_IN    | 98       | requests of clients; replies to clients on this host |
//! | FORWARD     | 100      | replies of servers that are routed through this host |
//! | LOCAL_OUT   | -99      | requests and replies made by this host               |

use core::marker::PhantomData;
use ipvs_core::{addr::Family, plan::Point};
use kernel::prelude::*;
use knet::{
    net_namespace::Net,
    netfilter::{self, hook, DefragV6, Handler, Hook, HookState, Hooks, InetHook, Verdict},
    rcu::{Arc, Ref},
    skbuff::Skb,
};

use super::{early, path};
use crate::model::Ipvs;

/// The priority at which netfilter translates source addresses (`NF_IP_PRI_NAT_SRC`).
const NAT_SRC: i32 = 100;
/// The priority at which netfilter translates destination addresses (`NF_IP_PRI_NAT_DST`).
const NAT_DST: i32 = -100;

/// A version of the Internet protocol.
trait Version: Send + Sync + 'static {
    /// The number of this version in netfilter.
    const FAMILY: netfilter::Family;
}

struct V4;

impl Version for V4 {
    const FAMILY: netfilter::Family = netfilter::Family::V4;
}

struct V6;

impl Version for V6 {
    const FAMILY: netfilter::Family = netfilter::Family::V6;
}

/// Packets to this host.
struct LocalIn<F>(PhantomData<F>);

impl<F: Version> Handler<Ipvs> for LocalIn<F> {
    const FAMILY: netfilter::Family = F::FAMILY;
    const HOOK: InetHook = InetHook::LocalIn;
    const PRIORITY: i32 = NAT_SRC - 2;

    #[inline]
    fn handle(ipvs: Ref<'_, Ipvs>, skb: Skb, context: &HookState<'_>) -> Verdict {
        if !skb.to_host() {
            return Verdict::Accept(skb);
        }
        path::handle(Point::Local, ipvs, skb, context)
    }
}

/// Packets that this host makes.
struct LocalOut<F>(PhantomData<F>);

impl<F: Version> Handler<Ipvs> for LocalOut<F> {
    const FAMILY: netfilter::Family = F::FAMILY;
    const HOOK: InetHook = InetHook::LocalOut;
    const PRIORITY: i32 = NAT_DST + 1;

    #[inline]
    fn handle(ipvs: Ref<'_, Ipvs>, skb: Skb, context: &HookState<'_>) -> Verdict {
        if F::FAMILY == netfilter::Family::V4 && skb.socket_nodefrag() {
            return Verdict::Accept(skb);
        }
        path::handle(Point::Local, ipvs, skb, context)
    }
}

/// Packets that this host passes on.
struct Forward<F>(PhantomData<F>);

impl<F: Version> Handler<Ipvs> for Forward<F> {
    const FAMILY: netfilter::Family = F::FAMILY;
    const HOOK: InetHook = InetHook::Forward;
    const PRIORITY: i32 = NAT_SRC;

    #[inline]
    fn handle(ipvs: Ref<'_, Ipvs>, skb: Skb, context: &HookState<'_>) -> Verdict {
        path::handle(Point::Forward, ipvs, skb, context)
    }
}

/// The hooks of one version of the Internet protocol.
///
/// The hooks of IPv6 see whole datagrams, as the defragmentation of connection tracking is enabled for them.
pub(crate) struct RegisteredHooks {
    hooks: Hooks<Ipvs>,
    /// The hook of the early path, while that is on.
    early: Option<Hooks<Ipvs>>,
    defragmentation: Option<DefragV6>,
    family: Family,
}

impl RegisteredHooks {
    /// Registers the hooks for the packets of a namespace; that of the early path not yet.
    ///
    /// # Errors
    ///
    /// `EAFNOSUPPORT` without that version of IP, or an error of netfilter.
    pub(crate) fn new(ipvs: &Arc<Ipvs>, net: &Net, family: Family) -> Result<Self> {
        let (hooks, defragmentation) = match family {
            Family::V4 => (hooks::<V4>(), None),
            Family::V6 => (hooks::<V6>(), Some(DefragV6::enable(net)?)),
        };
        let hooks = Hooks::register(net, ipvs.clone(), &hooks);
        match hooks {
            Ok(hooks) => Ok(Self {
                hooks,
                early: None,
                defragmentation,
                family,
            }),
            Err(error) => {
                if let Some(defragmentation) = defragmentation {
                    defragmentation.disable(net);
                }
                Err(error)
            }
        }
    }

    /// Registers the hook of the early path, or unregisters it. After that, packets are in it for a grace period.
    ///
    /// # Errors
    ///
    /// An error of netfilter: it is not registered.
    pub(crate) fn set_early(&mut self, ipvs: &Arc<Ipvs>, net: &Net, is_on: bool) -> Result {
        if is_on == self.early.is_some() {
            return Ok(());
        }
        if let Some(early) = self.early.take() {
            early.unregister(net);
            return Ok(());
        }
        let early = match self.family {
            Family::V4 => [hook::<Ipvs, PreRouting<V4>>()],
            Family::V6 => [hook::<Ipvs, PreRouting<V6>>()],
        };
        self.early = Some(Hooks::register(net, ipvs.clone(), &early)?);
        Ok(())
    }

    /// Unregisters the hooks. Packets are in them for a grace period.
    pub(crate) fn close(self, net: &Net) {
        if let Some(early) = self.early {
            early.unregister(net);
        }
        self.hooks.unregister(net);
        if let Some(defragmentation) = self.defragmentation {
            defragmentation.disable(net);
        }
    }
}

/// Packets that were just received.
struct PreRouting<F>(PhantomData<F>);

impl<F: Version> Handler<Ipvs> for PreRouting<F> {
    const FAMILY: netfilter::Family = F::FAMILY;
    const HOOK: InetHook = InetHook::PreRouting;
    const PRIORITY: i32 = i32::MAX;

    #[inline]
    fn handle(ipvs: Ref<'_, Ipvs>, skb: Skb, context: &HookState<'_>) -> Verdict {
        match F::FAMILY {
            netfilter::Family::V4 => early::handle::<false>(ipvs, skb, context),
            netfilter::Family::V6 => early::handle::<true>(ipvs, skb, context),
        }
    }
}

/// The hooks for the packets of one version, but that of the early path.
fn hooks<F: Version>() -> [Hook<Ipvs>; 3] {
    [
        hook::<Ipvs, LocalIn<F>>(),
        hook::<Ipvs, Forward<F>>(),
        hook::<Ipvs, LocalOut<F>>(),
    ]
}
