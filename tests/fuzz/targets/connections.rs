// SPDX-License-Identifier: GPL-2.0

//! Any text as the kernel's list of connections: each line is one or none, and one that is written
//! as the kernel does is read as the same.

#![no_main]

use ipvs_netlink::{Family, Side};
use ipvsadm::connections::{parse, protocol_number, Filter};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let found = parse(text);
    assert!(found.len() <= text.lines().count());
    let mut again = String::from("header\n");
    for one in &found {
        let ends = [&one.client, &one.service, &one.server].map(side).join(" ");
        let (name, data) = one.engine.clone().unwrap_or_default();
        again += &format!(
            "{} {ends} {} {} {name} {data}\n",
            one.protocol, one.state, one.expires
        );
        let same = Filter {
            protocol: protocol_number(&one.protocol.to_ascii_lowercase()).ok(),
            state: Some(one.state.clone()),
            ..Filter::default()
        };
        assert!(Filter::default().fits(one) && same.fits(one));
        assert_eq!(one.is_template(), one.client.port == 0);
    }
    assert_eq!(parse(&again), found);
});

/// An end as the kernel writes it.
fn side(one: &Side) -> String {
    let mut out = String::new();
    match one.family {
        Family::V4 => one.addr.write_hex8(&mut out),
        Family::V6 => one.addr.write_v6(&mut out),
    }
    .unwrap();
    format!("{out} {:04X}", one.port)
}
