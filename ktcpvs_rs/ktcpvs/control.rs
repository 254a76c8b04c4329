// SPDX-License-Identifier: GPL-2.0

//! Commands of users.

mod apply;
mod configure;
mod failure;
mod monitor;
pub mod netlink;

use knet::net_namespace::Net;

use crate::netns::Ktcpvs;

/// Ends all services of all namespaces, if this is the first one, or those of this one. May sleep.
pub(crate) fn unload(ktcpvs: &Ktcpvs, net: &Net) {
    let flush = |ktcpvs: &Ktcpvs, net: &Net| {
        configure::Changes::new(ktcpvs, monitor::Origin::file(net)).flush();
    };
    match net.is_init() {
        true => Ktcpvs::everywhere(flush),
        false => flush(ktcpvs, net),
    }
}
