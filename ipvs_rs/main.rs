// SPDX-License-Identifier: GPL-2.0

//! The module `ip_vs`: what is there while it is loaded.

use ipvs::{control, netns::Ipvs, scheduler::Schedulers};
use kernel::prelude::*;
use knet::{net_namespace::PerNetRegistration, rcu::BarrierOnDrop};

module! {
    type: Module,
    name: "ip_vs",
    authors: ["The ipvs_rs authors"],
    description: "IP Virtual Server (Rust)",
    license: "GPL",
    alias: ["net-pf-16-proto-16-family-IPVS"],
}

/// What the loaded module owns, in the order in which it is given up.
struct Module {
    _control: control::Registration,
    _namespaces: PerNetRegistration<Ipvs>,
    _schedulers: Schedulers,
    _farewell: Farewell,
    /// The last one: the functions that drop our objects are part of the module.
    _barrier: BarrierOnDrop,
}

impl kernel::Module for Module {
    fn init(module: &'static ThisModule) -> Result<Self> {
        knet::layout::check()?;
        let barrier = BarrierOnDrop;
        let schedulers = Schedulers::new()?;
        let namespaces = PerNetRegistration::new()?;
        let control = control::register(module)?;
        pr_info!("Registered protocols (TCP, UDP)\n");
        pr_info!("ipvs loaded.\n");
        Ok(Self {
            _control: control,
            _namespaces: namespaces,
            _schedulers: schedulers,
            _farewell: Farewell,
            _barrier: barrier,
        })
    }
}

/// Says in the kernel log that the module is gone.
struct Farewell;

impl Drop for Farewell {
    fn drop(&mut self) {
        pr_info!("ipvs unloaded.\n");
    }
}
