// SPDX-License-Identifier: GPL-2.0

//! The module `ktcpvs`: what is there while it is loaded.

#![forbid(unsafe_code)]

use kernel::prelude::*;
use knet::{net_namespace::PerNetRegistration, rcu_module};
use ktcpvs::{control::netlink, scheduler, Files, Ktcpvs, Namespaces};

rcu_module! {
    type: Module,
    name: "ktcpvs",
    authors: ["The ipvs_rs authors"],
    description: "TCP Virtual Server: a layer-7 switch (Rust)",
    license: "GPL",
    alias: ["net-pf-16-proto-16-family-KTCPVS"],
}

/// What the loaded module owns, in the order in which it is given up: first that by which user space
/// reaches it. Namespaces end their relays; the queues are there until all of these are gone.
struct Module {
    _netlink: netlink::Registration,
    _files: PerNetRegistration<Files>,
    _namespaces: PerNetRegistration<Ktcpvs>,
    _list: Namespaces,
    _schedulers: scheduler::Open,
    _relays: ktcpvs::Opened,
}

impl kernel::Module for Module {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let relays = ktcpvs::open_relays()?;
        let schedulers = scheduler::open()?;
        let list = Namespaces::new()?;
        let namespaces = PerNetRegistration::new()?;
        let files = PerNetRegistration::new()?;
        let netlink = netlink::register()?;
        netlink.open();
        Ok(Self {
            _netlink: netlink,
            _files: files,
            _namespaces: namespaces,
            _list: list,
            _schedulers: schedulers,
            _relays: relays,
        })
    }
}
