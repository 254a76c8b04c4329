// SPDX-License-Identifier: GPL-2.0

//! Source hashing: a client always gets the same server, as long as the servers stay the same.

#![forbid(unsafe_code)]

use ipvs::plugin::scheduler::{fill_up, room, Arrival, Deferred, Guard, Member, Scheduler, Setup};
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
    type State = Deferred<KVVec<Slot>>;

    fn prepare(_: &Setup<'_>, _: Option<&Self::State>) -> Result<Self::State> {
        Deferred::new(room(SLOTS)?)
    }

    fn schedule(
        slots: &Self::State,
        members: &[Member],
        arrival: &Arrival<'_>,
        _: &Guard,
    ) -> Option<usize> {
        let slots = slots.get(|slots| {
            fill_up(slots, SLOTS, Slot::EMPTY);
            sh::fill(slots, members);
        });
        sh::pick(slots, members, arrival)
    }
}
