// SPDX-License-Identifier: GPL-2.0

//! HTTP: the first request of a connection decides by the rules of the service. Of the servers of its rule, the one with the
//! fewest relays for its weight is chosen. Later requests of the connection are not looked at.

#![forbid(unsafe_code)]

use ktcpvs::scheduler::{Choice, Reads, Scheduler};

ktcpvs::scheduler_module! {
    scheduler: Http,
    name: "ktcpvs_http",
    authors: ["The ipvs_rs authors"],
    description: "KTCPVS HTTP scheduler (Rust)",
    license: "GPL",
}

/// The scheduler `http`.
struct Http;

impl Scheduler for Http {
    const NAME: &'static str = "http";
    const READS: Reads = Reads::FirstHead;

    fn choose(choice: &Choice<'_>) -> Option<u16> {
        choice.least_loaded(choice.matched())
    }
}
