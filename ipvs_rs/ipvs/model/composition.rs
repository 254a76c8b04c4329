// SPDX-License-Identifier: GPL-2.0

//! The parts of a namespace that other rooms make.

use ipvs_core::addr::Family;
use kernel::prelude::*;
use knet::{net_namespace::Net, rcu::Arc};

use super::Ipvs;

/// The parts of a namespace that other rooms make. `netns` implements this trait and names those rooms.
pub(crate) trait Composition {
    /// The netfilter hooks for packets of one address family.
    type Hooks: Send;

    /// The files in `/proc/net` and the sysctls of the namespace.
    type Files: Send;

    /// The synchronisation daemons.
    type Daemons: Default + Send;

    /// Registers the hooks for packets of `family`.
    ///
    /// # Errors
    ///
    /// `EAFNOSUPPORT`, or an error of netfilter.
    fn open_hooks(ipvs: &Arc<Ipvs>, net: &Net, family: Family) -> Result<Self::Hooks>;

    /// Lets packets of these hooks take the early path, or not.
    ///
    /// # Errors
    ///
    /// An error of netfilter: they do not take it.
    fn set_early(ipvs: &Arc<Ipvs>, hooks: &mut Self::Hooks, net: &Net, is_on: bool) -> Result;

    /// Unregisters hooks that [`open_hooks`](Self::open_hooks) registered.
    fn close_hooks(hooks: Self::Hooks, net: &Net);
}
