// SPDX-License-Identifier: GPL-2.0

//! Any plain packet, translated and forwarded in one go: its bytes are those that the single edits leave, and what is refused did
//! not change.

#![no_main]

use ipvs_core::addr::{Addr, Family};
use ipvs_core::flow::{Flow, Plain};
use ipvs_core::nat::{decrement_hop_limit, decrement_ttl, onward_v4, onward_v6, L4Checksum, Side};
use ipvs_fuzz::packets::translated;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let v4 = data.first_chunk().and_then(Plain::v4);
    let v6 = || data.first_chunk().and_then(Plain::v6);
    let Some(plain) = v4.or_else(v6) else {
        return;
    };
    let flow = plain.flow;
    assert_eq!(Flow::parse(data), Ok(flow), "a plain packet is a packet");
    if plain.hops < 2 {
        return;
    }
    for (source, side) in [(true, Side::Source), (false, Side::Destination)] {
        for l4 in [L4Checksum::Whole, L4Checksum::PseudoHeader] {
            let (mut steps, new, done) = translated(data, &flow, source, l4);
            let to: (Addr, u16) = match side {
                Side::Source => (new.src, new.sport),
                Side::Destination => (new.dst, new.dport),
            };
            let mut packet = data.to_vec();
            let at_once = match flow.family {
                Family::V4 => onward_v4(&mut packet, side, flow.protocol, to, l4),
                Family::V6 => onward_v6(&mut packet, side, flow.protocol, to, l4),
            };
            assert_eq!(at_once, done);
            if done.is_ok() {
                match flow.family {
                    Family::V4 => decrement_ttl(&mut steps),
                    Family::V6 => decrement_hop_limit(&mut steps),
                }
                .expect("hops are left");
            }
            assert_eq!(packet, steps);
        }
    }
});
