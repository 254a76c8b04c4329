// SPDX-License-Identifier: GPL-2.0

//! Power of two choices: each new connection goes to the less busy one of two servers drawn by weight.

#![forbid(unsafe_code)]

use ipvs::plugin::scheduler::{random, Arrival, Guard, Member, Scheduler, Setup};
use ipvs_core::sched::twos;
use kernel::prelude::*;

ipvs::scheduler_module! {
    scheduler: Twos,
    name: "ip_vs_twos",
    authors: ["The ipvs_rs authors"],
    description: "IPVS power-of-two-choices scheduler (Rust)",
    license: "GPL",
}

/// The scheduler `twos`.
struct Twos;

impl Scheduler for Twos {
    const NAME: &'static str = "twos";
    type State = ();

    fn prepare(_: &Setup<'_>, _: Option<&()>) -> Result {
        Ok(())
    }

    fn schedule((): &(), members: &[Member], _: &Arrival<'_>, _: &Guard) -> Option<usize> {
        twos::pick(members, random)
    }
}
