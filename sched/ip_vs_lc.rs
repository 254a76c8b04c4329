// SPDX-License-Identifier: GPL-2.0

//! Least connection: each new connection goes to the server with the fewest connections.

#![forbid(unsafe_code)]

use ipvs::plugin::scheduler::{Arrival, Guard, Member, Scheduler, Setup};
use ipvs_core::sched::lc;
use kernel::prelude::*;

ipvs::scheduler_module! {
    scheduler: Lc,
    name: "ip_vs_lc",
    authors: ["The ipvs_rs authors"],
    description: "IPVS least-connection scheduler (Rust)",
    license: "GPL",
}

/// The scheduler `lc`.
struct Lc;

impl Scheduler for Lc {
    const NAME: &'static str = "lc";
    type State = ();

    fn prepare(_: &Setup<'_>, _: Option<&()>) -> Result {
        Ok(())
    }

    fn schedule((): &(), members: &[Member], _: &Arrival<'_>, _: &Guard) -> Option<usize> {
        lc::pick(members)
    }
}
