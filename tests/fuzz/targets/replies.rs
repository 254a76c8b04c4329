// SPDX-License-Identifier: GPL-2.0

//! Any bytes as what the kernel answers: each value that the client makes of them, the module
//! writes in such a way that the client reads the same again.

#![no_main]

use ipvs_core::addr::Family;
use ipvs_core::config::reply;
use ipvs_fuzz::{replies, Written};
use ipvs_netlink::{fuzzing, uapi::service_flags::HASHED};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    // Both whole datagrams and attributes without their headers.
    for attributes in fuzzing::answers(data).unwrap_or_default() {
        decode(&attributes);
    }
    decode(data);
});

fn decode(attributes: &[u8]) {
    let _ = fuzzing::info(attributes);
    let _ = fuzzing::connection(attributes);
    let _ = fuzzing::event(attributes);
    let _ = fuzzing::outcomes(attributes);
    let _ = fuzzing::entries(attributes);
    if let Ok(found) = fuzzing::timeouts(attributes) {
        let mut out = Written::default();
        reply::timeouts(&mut out, &found).unwrap();
        assert_eq!(fuzzing::timeouts(&out.0).unwrap(), found);
    }
    if let Ok(mut found) = fuzzing::service(attributes) {
        let again = fuzzing::service(&replies::service(&found)).unwrap();
        // Which the kernel says of all services.
        found.settings.flags |= HASHED;
        assert_eq!(again, found);
    }
    if let Ok(found) = fuzzing::dest(attributes, Family::V6) {
        if let Some(again) = replies::dest(&found) {
            assert_eq!(fuzzing::dest(&again, Family::V6).unwrap(), found);
        }
    }
    if let Ok(found) = fuzzing::daemon(attributes) {
        assert_eq!(fuzzing::daemon(&replies::daemon(&found)).unwrap(), found);
    }
}
