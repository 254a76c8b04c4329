// SPDX-License-Identifier: GPL-2.0

//! Round robin: each new connection goes to the server after the one before.

#![forbid(unsafe_code)]

use ipvs::plugin::scheduler::{Arrival, Guard, Member, Scheduler, Setup};
use ipvs_core::sched::rr::RoundRobin;
use kernel::prelude::*;

ipvs::scheduler_module! {
    scheduler: Rr,
    name: "ip_vs_rr",
    authors: ["The ipvs_rs authors"],
    description: "IPVS round-robin scheduler (Rust)",
    license: "GPL",
}

/// The scheduler `rr`.
struct Rr;

impl Scheduler for Rr {
    const NAME: &'static str = "rr";
    type State = RoundRobin;

    fn prepare(setup: &Setup<'_>, previous: Option<&RoundRobin>) -> Result<RoundRobin> {
        Ok(previous.map_or_else(RoundRobin::new, |previous| previous.after(setup.change)))
    }

    fn fits(setup: &Setup<'_>, previous: &RoundRobin) -> bool {
        previous.fits(setup.change)
    }

    fn schedule(
        state: &RoundRobin,
        members: &[Member],
        _: &Arrival<'_>,
        _: &Guard,
    ) -> Option<usize> {
        state.pick(members)
    }
}
