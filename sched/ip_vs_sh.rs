// SPDX-License-Identifier: GPL-2.0

//! Source hashing: a client always gets the same server, as long as the servers stay the same.

#![forbid(unsafe_code)]

use ipvs::{
    pool::Member,
    scheduler::{filled, Request, Scheduler, Setup},
};
use ipvs_core::sched::{
    hashing::{Slot, SLOTS},
    sh,
};
use kernel::{alloc::KVVec, prelude::*};

ipvs::scheduler_module! {
    scheduler: Sh,
    name: "ip_vs_sh",
    authors: ["The ipvs_rs authors"],
    description: "IPVS source-hashing scheduler (Rust)",
    license: "GPL",
}

/// The scheduler `sh`.
struct Sh;

impl Scheduler for Sh {
    const NAME: &'static str = "sh";
    type State = KVVec<Slot>;

    fn prepare(setup: &Setup<'_>, _: Option<&Self::State>) -> Result<Self::State> {
        let mut slots = filled(Slot::EMPTY, SLOTS)?;
        sh::fill(&mut slots, setup.members);
        Ok(slots)
    }

    fn schedule(slots: &Self::State, members: &[Member], request: &Request<'_>) -> Option<usize> {
        sh::pick(slots, members, request)
    }
}
