// SPDX-License-Identifier: GPL-2.0

//! Weighted failover: each new connection goes to the server with the greatest weight.

#![forbid(unsafe_code)]

use ipvs::plugin::scheduler::{Arrival, Guard, Member, Scheduler, Setup};
use ipvs_core::sched::fo;
use kernel::prelude::*;

ipvs::scheduler_module! {
    scheduler: Fo,
    name: "ip_vs_fo",
    authors: ["The ipvs_rs authors"],
    description: "IPVS weighted failover scheduler (Rust)",
    license: "GPL",
}

/// The scheduler `fo`.
struct Fo;

impl Scheduler for Fo {
    const NAME: &'static str = "fo";
    type State = ();

    fn prepare(_: &Setup<'_>, _: Option<&()>) -> Result {
        Ok(())
    }

    fn schedule((): &(), members: &[Member], _: &Arrival<'_>, _: &Guard) -> Option<usize> {
        fo::pick(members)
    }
}
