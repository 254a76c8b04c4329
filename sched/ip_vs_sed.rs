// SPDX-License-Identifier: GPL-2.0

//! Shortest expected delay: each new connection goes to the server that will then have the fewest
//! active connections for its weight.

#![forbid(unsafe_code)]

use ipvs::plugin::scheduler::{Arrival, Guard, Member, Scheduler, Setup};
use ipvs_core::sched::sed;
use kernel::prelude::*;

ipvs::scheduler_module! {
    scheduler: Sed,
    name: "ip_vs_sed",
    authors: ["The ipvs_rs authors"],
    description: "IPVS shortest-expected-delay scheduler (Rust)",
    license: "GPL",
}

/// The scheduler `sed`.
struct Sed;

impl Scheduler for Sed {
    const NAME: &'static str = "sed";
    type State = ();

    fn prepare(_: &Setup<'_>, _: Option<&()>) -> Result {
        Ok(())
    }

    fn schedule((): &(), members: &[Member], _: &Arrival<'_>, _: &Guard) -> Option<usize> {
        sed::pick(members)
    }
}
