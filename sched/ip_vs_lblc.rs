// SPDX-License-Identifier: GPL-2.0

//! Locality-based least connection: packets to one destination go to one server, until that has
//! too much to do.

#![forbid(unsafe_code)]

use ipvs::plugin::scheduler::{Arrival, Guard, Member, Scheduler, Setup};
use ipvs_core::sched::lblc::{self, Pick};
use ipvs_locality::{
    destinations::Destinations,
    expiration::{Expiration, Owner},
};
use kernel::prelude::*;

ipvs::scheduler_module! {
    scheduler: Lblc,
    holds: Expiration = || Expiration::register(Owner::Lblc),
    name: "ip_vs_lblc",
    authors: ["The ipvs_rs authors"],
    description: "IPVS locality-based least-connection scheduler (Rust)",
    license: "GPL",
}

/// The scheduler `lblc`.
struct Lblc;

impl Scheduler for Lblc {
    const NAME: &'static str = "lblc";
    type State = Destinations;

    fn prepare(setup: &Setup<'_>, previous: Option<&Destinations>) -> Result<Destinations> {
        Destinations::of(setup, previous, Owner::Lblc)
    }

    fn schedule(
        destinations: &Destinations,
        members: &[Member],
        arrival: &Arrival<'_>,
        guard: &Guard,
    ) -> Option<usize> {
        let last = destinations.only_server(arrival.flow, members, guard);
        match lblc::pick(members, last)? {
            Pick::Same(index) => Some(index),
            Pick::Other(index) => {
                destinations.assign(arrival.flow, members, index, guard);
                Some(index)
            }
        }
    }
}
