// SPDX-License-Identifier: GPL-2.0

//! Weighted overflow: each new connection goes to the server with the greatest weight, until that
//! has as many active connections.

#![forbid(unsafe_code)]

use ipvs::plugin::scheduler::{Arrival, Guard, Member, Scheduler, Setup};
use ipvs_core::sched::ovf;
use kernel::prelude::*;

ipvs::scheduler_module! {
    scheduler: Ovf,
    name: "ip_vs_ovf",
    authors: ["The ipvs_rs authors"],
    description: "IPVS weighted overflow scheduler (Rust)",
    license: "GPL",
}

/// The scheduler `ovf`.
struct Ovf;

impl Scheduler for Ovf {
    const NAME: &'static str = "ovf";
    type State = ();

    fn prepare(_: &Setup<'_>, _: Option<&()>) -> Result {
        Ok(())
    }

    fn schedule((): &(), members: &[Member], _: &Arrival<'_>, _: &Guard) -> Option<usize> {
        ovf::pick(members)
    }
}
