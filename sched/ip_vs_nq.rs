// SPDX-License-Identifier: GPL-2.0

//! Never queue: each new connection goes to an idle server, else to the one with the shortest
//! expected delay.

#![forbid(unsafe_code)]

use ipvs::plugin::scheduler::{Arrival, Guard, Member, Scheduler, Setup};
use ipvs_core::sched::nq;
use kernel::prelude::*;

ipvs::scheduler_module! {
    scheduler: Nq,
    name: "ip_vs_nq",
    authors: ["The ipvs_rs authors"],
    description: "IPVS never-queue scheduler (Rust)",
    license: "GPL",
}

/// The scheduler `nq`.
struct Nq;

impl Scheduler for Nq {
    const NAME: &'static str = "nq";
    type State = ();

    fn prepare(_: &Setup<'_>, _: Option<&()>) -> Result {
        Ok(())
    }

    fn schedule((): &(), members: &[Member], _: &Arrival<'_>, _: &Guard) -> Option<usize> {
        nq::pick(members)
    }
}
