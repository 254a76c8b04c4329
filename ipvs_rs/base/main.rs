// SPDX-License-Identifier: GPL-2.0

//! The module `ipvs_rs`: what all balancers stand on. `core`, `knet` and `sys` are linked into it.
//!
//! A balancer links to its symbols, so it is there before the balancer and until after it.

#![forbid(unsafe_code)]

use kernel::prelude::*;
use knet::{late, netfilter::QueuedPackets, percpu, rcu_module, socket};

rcu_module! {
    type: Base,
    name: "ipvs_rs",
    authors: ["The ipvs_rs authors"],
    description: "What the load balancers of ipvs_rs stand on",
    license: "GPL",
}

/// What the loaded module owns.
struct Base {
    _queued: QueuedPackets,
    _cpus: percpu::KnownCpus,
    _sockets: socket::Namespaces,
    _late: late::Opened,
}

impl kernel::Module for Base {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        knet::layout::check()?;
        Ok(Self {
            _queued: QueuedPackets::new(),
            _cpus: percpu::KnownCpus::new()?,
            _sockets: socket::Namespaces::new()?,
            _late: late::Opened::new()?,
        })
    }
}
