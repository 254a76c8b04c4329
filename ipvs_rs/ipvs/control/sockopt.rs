// SPDX-License-Identifier: GPL-2.0

//! Commands from user space, the old way: options of IPv4 sockets. See [`ipvs_core::sockopt`].
//!
//! Unlike those of netlink they need `CAP_NET_ADMIN` in the user namespace that owns the network namespace of the socket.

mod get;
mod set;

use ipvs_core::sockopt;
use kernel::prelude::*;
use knet::{
    net_namespace::{self, Net},
    rcu::{self, Arc},
    sockopt::{Buffer, Options, Value},
};

use crate::model::Ipvs;

/// The options.
pub struct Sockopt;

/// As long as it exists, programs can use the options.
pub type Registration = knet::sockopt::Registration<Sockopt>;

impl Options for Sockopt {
    const BASE: u32 = sockopt::BASE;
    const SET: u32 = sockopt::set::COUNT;
    const GET: u32 = sockopt::get::COUNT;

    fn set(net: &Net, option: u32, value: &Value) -> Result {
        check_rights(net)?;
        set::run(net, option, value)
    }

    fn get(net: &Net, option: u32, buffer: &mut Buffer) -> Result {
        check_rights(net)?;
        get::run(net, option, buffer)
    }
}

fn check_rights(net: &Net) -> Result {
    match net.is_net_admin_capable() {
        true => Ok(()),
        false => Err(EPERM),
    }
}

/// What IPVS knows in the namespace of a socket.
fn ipvs(net: &Net) -> Result<Arc<Ipvs>> {
    let guard = rcu::read_lock();
    let ipvs = net_namespace::state::<Ipvs>(net, &guard).ok_or(ENOENT)?;
    ipvs.try_clone().ok_or(ENOENT)
}
