// SPDX-License-Identifier: GPL-2.0

//! The origin of a change.

use kernel::prelude::*;
use knet::net_namespace::Net;

/// Where a change comes from: a namespace, and the socket that asked for it.
#[derive(Clone, Copy)]
pub(crate) struct Origin<'a> {
    pub(crate) net: &'a Net,
    /// The netlink port of the socket; 0 if the change was not asked for by netlink.
    pub(crate) port: u32,
}

impl<'a> Origin<'a> {
    /// A netlink socket.
    pub(crate) fn netlink(net: &'a Net, port: u32) -> Self {
        Self { net, port }
    }

    /// Anything but netlink.
    pub(crate) fn elsewhere(net: &'a Net) -> Self {
        Self { net, port: 0 }
    }
}

/// The announcement of changes that other rooms than `control` make. `control` implements it.
pub(crate) trait Monitor {
    /// Announces the new value of a sysctl.
    fn setting(&self, name: &CStr, value: &CStr);
}
