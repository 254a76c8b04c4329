// SPDX-License-Identifier: GPL-2.0

//! Weighted least connection: each connection goes to the server with the fewest relays for its weight. Nothing is read, so any
//! protocol over TCP will do.

#![forbid(unsafe_code)]

use ktcpvs::scheduler::{Choice, Reads, Scheduler};

ktcpvs::scheduler_module! {
    scheduler: Wlc,
    name: "ktcpvs_wlc",
    authors: ["The ipvs_rs authors"],
    description: "KTCPVS weighted least-connection scheduler (Rust)",
    license: "GPL",
}

/// The scheduler `wlc`.
struct Wlc;

impl Scheduler for Wlc {
    const NAME: &'static str = "wlc";
    const READS: Reads = Reads::Nothing;

    fn choose(choice: &Choice<'_>) -> Option<u16> {
        choice.least_loaded(Some(choice.everyone()))
    }
}
