// SPDX-License-Identifier: GPL-2.0

//! The parts of a namespace that other rooms make.

use ipvs_core::addr::Family;
use kernel::prelude::*;
use knet::{net_namespace::Net, rcu::Arc};

use super::Ipvs;

/// The parts of a namespace that other rooms make. `netns` implements it, and names those rooms.
pub(crate) trait Composition {
    /// The hooks by which packets of one version of the Internet protocol come.
    type Hooks: Send;

    /// The files by which users read and set what is known in the namespace.
    type Files: Send;

    /// Registers the hooks for packets of `family`.
    ///
    /// # Errors
    ///
    /// `EAFNOSUPPORT`, or an error of netfilter.
    fn open_hooks(ipvs: &Arc<Ipvs>, net: &Net, family: Family) -> Result<Self::Hooks>;

    /// Takes [`open_hooks`](Self::open_hooks) back.
    fn close_hooks(hooks: Self::Hooks, net: &Net);
}
