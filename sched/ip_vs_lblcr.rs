// SPDX-License-Identifier: GPL-2.0

//! Locality-based least connection with replication: packets to one destination go to a set of
//! servers. It grows when those have too much to do, and shrinks after a while.

#![forbid(unsafe_code)]

use ipvs::plugin::scheduler::{Arrival, Guard, Member, Scheduler, Setup, NO_SERVER};
use ipvs_core::sched::lblcr;
use ipvs_locality::{
    destinations::Destinations,
    expiration::{Expiration, Owner},
};
use kernel::prelude::*;

ipvs::scheduler_module! {
    scheduler: Lblcr,
    holds: Expiration = || Expiration::register(Owner::Lblcr),
    name: "ip_vs_lblcr",
    authors: ["The ipvs_rs authors"],
    description: "IPVS locality-based least-connection with replication scheduler (Rust)",
    license: "GPL",
}

/// The scheduler `lblcr`.
struct Lblcr;

impl Scheduler for Lblcr {
    const NAME: &'static str = "lblcr";
    type State = Destinations;

    fn prepare(setup: &Setup<'_>, previous: Option<&Destinations>) -> Result<Destinations> {
        Destinations::of(setup, previous, Owner::Lblcr)
    }

    fn schedule(
        destinations: &Destinations,
        members: &[Member],
        arrival: &Arrival<'_>,
        guard: &Guard,
    ) -> Option<usize> {
        let Some(known) = destinations.find(arrival.flow, guard) else {
            let pick = lblcr::pick(members, core::iter::empty())?;
            destinations.assign(arrival.flow, members, pick.server, guard);
            return Some(pick.server);
        };
        // Mostly there is one server, which has not too much to do.
        match known.only_server(members, guard) {
            Some(only) if lblcr::suffices(members, only) => return Some(only),
            _ => {}
        }
        let set = || known.get().servers(members, guard);
        let pick = lblcr::pick(members, set());
        destinations.thin_out(&known, members, guard, &|| lblcr::leaver(members, set()));
        let pick = pick?;
        if pick.adds {
            destinations.add(&known, members, pick.server, guard);
        }
        Some(pick.server)
    }

    /// As the C module does: of destinations that are not known yet, nothing is said.
    fn complaint(
        destinations: &Destinations,
        arrival: &Arrival<'_>,
        guard: &Guard,
    ) -> Option<&'static str> {
        destinations.find(arrival.flow, guard).map(|_| NO_SERVER)
    }
}
