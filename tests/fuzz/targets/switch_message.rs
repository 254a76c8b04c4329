// SPDX-License-Identifier: GPL-2.0

//! Any bytes as attributes of the layer-7 switch: what was read, and is written again, reads the same.

#![no_main]

use ipvs_core::config::reply::AttributeSink;
use ipvs_netlink::generic::Attributes;
use ktcpvs_core::message::{Relay, RelayFilter, Rule, Server, Service};
use libfuzzer_sys::fuzz_target;

/// The attributes that `write` appends, without the header of the nest around them.
fn written(
    write: impl FnOnce(&mut Attributes) -> Result<(), ipvs_core::config::reply::Full>,
) -> Vec<u8> {
    let mut out = Attributes::default();
    out.nest(1, write).expect("there is room");
    let bytes: &[u8] = out.as_ref();
    bytes[4..].to_vec()
}

fuzz_target!(|data: &[u8]| {
    if let Ok(service) = Service::read(data) {
        let alone = Service {
            servers: None,
            rules: None,
            ..service
        };
        let bytes = written(|out| alone.write(out));
        assert_eq!(Service::read(&bytes), Ok(alone));
    }
    if let Ok(server) = Server::read(data) {
        let bytes = written(|out| server.write(out));
        assert_eq!(Server::read(&bytes), Ok(server));
    }
    if let Ok(relay) = Relay::read(data) {
        let bytes = written(|out| relay.write(out));
        assert_eq!(Relay::read(&bytes), Ok(relay));
    }
    if let Ok(filter) = RelayFilter::read(data) {
        let bytes = written(|out| filter.write(out));
        assert_eq!(RelayFilter::read(&bytes), Ok(filter));
    }
    if let Ok(rule) = Rule::read(data) {
        let bytes = written(|out| rule.write(out));
        assert_eq!(Rule::read(&bytes), Ok(rule));
    }
});
