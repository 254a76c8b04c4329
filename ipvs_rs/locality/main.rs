// SPDX-License-Identifier: GPL-2.0

//! The module `ip_vs_locality`, which `ip_vs_lblc` and `ip_vs_lblcr` stand on. The crate `ipvs_locality` is linked into it.

#![forbid(unsafe_code)]

use kernel::prelude::*;
use knet::rcu_module;

rcu_module! {
    type: Locality,
    name: "ip_vs_locality",
    authors: ["The ipvs_rs authors"],
    description: "IPVS memory of destinations for the schedulers lblc and lblcr (Rust)",
    license: "GPL",
}

/// The loaded module, which owns nothing: the schedulers own all that they ask for.
struct Locality;

impl kernel::Module for Locality {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        Ok(Self)
    }
}
