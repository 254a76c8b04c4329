// SPDX-License-Identifier: GPL-2.0

//! The module `ip_vs`: what is there while it is loaded.

#![forbid(unsafe_code)]

use ipvs::{
    control::{netlink, sockopt},
    model::{engine::Finder, helping::Help, scheduling::Factory, ConnMemory, Ipvs},
    observe::presence::Presence,
    plugin::{engine, helper, scheduler},
    upkeep::devices::Devices,
};
use kernel::prelude::*;
use knet::{
    module::Parameter, net_namespace::PerNetRegistration, netdevice::NotifierRegistration,
    rcu_module, registry::Opened,
};

rcu_module! {
    type: Module,
    name: "ip_vs",
    authors: ["The ipvs_rs authors"],
    description: "IP Virtual Server (Rust)",
    license: "GPL",
    alias: ["net-pf-16-proto-16-family-IPVS"],
}

/// What the loaded module owns, in the order in which it is given up: first that by which user space
/// reaches it.
struct Module {
    _sockopt: sockopt::Registration,
    _netlink: netlink::Registration,
    _devices: NotifierRegistration<Devices>,
    _namespaces: PerNetRegistration<Ipvs>,
    _schedulers: Opened<dyn Factory>,
    _engines: Opened<dyn Finder>,
    _helpers: Opened<dyn Help>,
    _presence: Presence,
    _connections: ConnMemory,
}

impl kernel::Module for Module {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let connections = ConnMemory::open()?;
        let presence = Presence::announce(&Parameter::find(c"conn_tab_bits")?);
        let schedulers = scheduler::open()?;
        let engines = engine::open()?;
        let helpers = helper::open()?;
        let namespaces = PerNetRegistration::new()?;
        let devices = NotifierRegistration::new()?;
        let netlink = netlink::register()?;
        // From here on nothing fails: nobody could wait for who sleeps amid a call, or a dump.
        let sockopt = sockopt::Registration::new()?;
        netlink.open();
        Ok(Self {
            _sockopt: sockopt,
            _netlink: netlink,
            _devices: devices,
            _namespaces: namespaces,
            _schedulers: schedulers,
            _engines: engines,
            _helpers: helpers,
            _presence: presence,
            _connections: connections,
        })
    }
}
