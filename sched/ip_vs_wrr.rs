// SPDX-License-Identifier: GPL-2.0

//! Weighted round robin: the servers take turns, those with more weight more often.

#![forbid(unsafe_code)]

use ipvs::plugin::scheduler::{Arrival, Guard, Member, Scheduler, Setup, NO_SERVER};
use ipvs_core::sched::wrr::WeightedRoundRobin;
use kernel::prelude::*;

ipvs::scheduler_module! {
    scheduler: Wrr,
    name: "ip_vs_wrr",
    authors: ["The ipvs_rs authors"],
    description: "IPVS weighted round-robin scheduler (Rust)",
    license: "GPL",
}

/// The scheduler `wrr`.
struct Wrr;

impl Scheduler for Wrr {
    const NAME: &'static str = "wrr";
    type State = WeightedRoundRobin;

    fn prepare(setup: &Setup<'_>, previous: Option<&Self::State>) -> Result<Self::State> {
        Ok(WeightedRoundRobin::new(setup.members, previous))
    }

    fn schedule(
        state: &Self::State,
        members: &[Member],
        _: &Arrival<'_>,
        _: &Guard,
    ) -> Option<usize> {
        state.pick(members)
    }

    fn complaint(state: &Self::State, _: &Arrival<'_>, _: &Guard) -> Option<&'static str> {
        Some(match state.has_weights() {
            true => "no destination available: all destinations are overloaded",
            false => NO_SERVER,
        })
    }
}
