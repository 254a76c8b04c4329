// SPDX-License-Identifier: GPL-2.0

//! Any bytes as the attributes of a request: what the module takes for a service, a server or a
//! daemon, it describes in its reply in such a way that it would take it for the same again.

#![no_main]

use ipvs_core::addr::Family;
use ipvs_core::config::request::{self, TopLevel};
use ipvs_core::config::{conns::Filter, FlagChange};
use ipvs_core::nla::Iter;
use ipvs_fuzz::replies::{configured_daemon, configured_dest, configured_service};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let sizes = Iter::new(data).map(|(_, payload)| payload.len() + 4);
    assert!(sizes.sum::<usize>() <= data.len(), "one behind the other");
    let _ = Filter::parse(data);
    let Ok(asked) = TopLevel::parse(data) else {
        return;
    };
    for hz in [100, 250, 1000] {
        let _ = asked.timeouts(hz);
    }
    if let Ok((key, mut spec)) = asked.service().and_then(request::service) {
        assert_eq!(asked.service().and_then(request::service_key), Ok(key));
        let reply = configured_service(key, &spec);
        let again = TopLevel::parse(&reply).and_then(|reply| request::service(reply.service()?));
        // All flags are told, and one more that all services have.
        let (value, mask) = (spec.flags.apply(0) | 2, u32::MAX);
        spec.flags = FlagChange { value, mask };
        assert_eq!(again, Ok((key, spec)));
    }
    for family in [Family::V4, Family::V6] {
        let dest = |nest| request::dest(nest, family, false);
        if let Ok((key, spec)) = asked.dest().and_then(dest) {
            let dest_key = |nest| request::dest_key(nest, family);
            assert_eq!(asked.dest().and_then(dest_key), Ok(key));
            let reply = configured_dest(key, spec);
            let again = TopLevel::parse(&reply).and_then(|reply| dest(reply.dest()?));
            assert_eq!(again, Ok((key, spec)));
        }
    }
    if let Ok(spec) = asked.daemon().and_then(request::daemon) {
        let role = asked.daemon().and_then(request::daemon_role);
        assert_eq!(role.ok(), spec.role().ok());
        let reply = configured_daemon(&spec);
        let again = TopLevel::parse(&reply).and_then(|reply| request::daemon(reply.daemon()?));
        assert_eq!(again, Ok(spec));
    }
});
