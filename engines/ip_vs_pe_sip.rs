// SPDX-License-Identifier: GPL-2.0

//! SIP: the messages of one call stay with the server of that call, which is known by its Call-ID.

#![forbid(unsafe_code)]

use core::ops::Range;
use ipvs::plugin::engine::{Engine, Transport};
use ipvs_core::app::sip;

ipvs::engine_module! {
    engine: Sip,
    name: "ip_vs_pe_sip",
    authors: ["The ipvs_rs authors"],
    description: "IPVS persistence engine for SIP (Rust)",
    license: "GPL",
}

/// The engine `sip`.
struct Sip;

impl Engine for Sip {
    const NAME: &'static str = "sip";
    const READS: &'static [Transport] = &[Transport::Udp];
    const SERVES_BEGUN: bool = true;

    fn find(payload: &[u8]) -> Option<Range<usize>> {
        // The body too, as in the C module.
        sip::call_id(payload, false)
    }
}
