// SPDX-License-Identifier: GPL-2.0

//! The module `ip_vs`.

use kernel::prelude::*;

module! {
    type: Module,
    name: "ip_vs",
    authors: ["The ipvs_rs authors"],
    description: "IP Virtual Server (Rust)",
    license: "GPL",
    alias: ["net-pf-16-proto-16-family-IPVS"],
}

/// What the loaded module owns.
struct Module;

impl kernel::Module for Module {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        knet::layout::check()?;
        Ok(Self)
    }
}
