// SPDX-License-Identifier: GPL-2.0

//! The origin of a change.

use ipvs_core::config::event::Action;
use kernel::prelude::*;
use knet::net_namespace::Net;

use super::masters::HeardMaster;

/// The origin of a change: the namespace, and the netlink socket that requested the change.
#[derive(Clone, Copy)]
pub(crate) struct Origin<'a> {
    pub(crate) net: &'a Net,
    /// The netlink port of the socket; 0 if the change was not requested by netlink.
    pub(crate) port: u32,
}

impl<'a> Origin<'a> {
    /// A change that a netlink socket requested.
    pub(crate) fn netlink(net: &'a Net, port: u32) -> Self {
        Self { net, port }
    }

    /// A change that was not requested by netlink.
    pub(crate) fn elsewhere(net: &'a Net) -> Self {
        Self { net, port: 0 }
    }
}

/// The announcement of changes that rooms other than `control` make. `control` implements this trait.
pub(crate) trait Monitor {
    /// Announces the new value of a sysctl.
    fn setting(&self, name: &CStr, value: &CStr);

    /// Announces a change of a master that a backup hears. May sleep.
    fn master(&self, action: Action, master: &HeardMaster);
}
