// SPDX-License-Identifier: GPL-2.0

//! Weighted least connection: each new connection goes to the server with the fewest connections
//! for its weight.

#![forbid(unsafe_code)]

use ipvs::plugin::scheduler::{Arrival, Guard, Member, Scheduler, Setup};
use ipvs_core::sched::wlc::Comparison;
use kernel::prelude::*;

ipvs::scheduler_module! {
    scheduler: Wlc,
    name: "ip_vs_wlc",
    authors: ["The ipvs_rs authors"],
    description: "IPVS weighted least-connection scheduler (Rust)",
    license: "GPL",
}

/// The scheduler `wlc`.
struct Wlc;

impl Scheduler for Wlc {
    const NAME: &'static str = "wlc";
    type State = Comparison;

    fn prepare(setup: &Setup<'_>, previous: Option<&Comparison>) -> Result<Comparison> {
        Ok(Comparison::of(setup.members, setup.change, previous))
    }

    fn schedule(
        state: &Comparison,
        members: &[Member],
        _: &Arrival<'_>,
        _: &Guard,
    ) -> Option<usize> {
        state.pick(members)
    }
}
