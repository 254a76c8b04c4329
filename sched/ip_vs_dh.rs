// SPDX-License-Identifier: GPL-2.0

//! Destination hashing: packets to one address always get the same server, as long as the servers
//! stay the same.

#![forbid(unsafe_code)]

use ipvs::plugin::scheduler::{fill_up, room, Arrival, Deferred, Guard, Member, Scheduler, Setup};
use ipvs_core::sched::{
    dh,
    hashing::{Slot, SLOTS},
};
use kernel::{alloc::KVVec, prelude::*};

ipvs::scheduler_module! {
    scheduler: Dh,
    name: "ip_vs_dh",
    authors: ["The ipvs_rs authors"],
    description: "IPVS destination-hashing scheduler (Rust)",
    license: "GPL",
}

/// The scheduler `dh`.
struct Dh;

impl Scheduler for Dh {
    const NAME: &'static str = "dh";
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
            dh::fill(slots, members);
        });
        dh::pick(slots, members, arrival)
    }
}
