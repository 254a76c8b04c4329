// SPDX-License-Identifier: GPL-2.0

//! Any packet, translated each way: the new ends are there, every checksum is as right or wrong as
//! it was, nothing else changed; and what is refused did not change at all.

#![no_main]

use ipvs_core::flow::{Flow, Fragment};
use ipvs_core::nat::{L4Checksum, Remaining};
use ipvs_core::proto::{SCTP, UDP};
use ipvs_fuzz::packets::{corrected_sum, field, translated};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(old) = Flow::parse(data) else { return };
    let ways = [(false, L4Checksum::Whole), (true, L4Checksum::PseudoHeader)];
    for (source, l4) in ways
        .into_iter()
        .flat_map(|(way, l4)| [(way, l4), (!way, l4)])
    {
        let (packet, new, done) = translated(data, &old, source, l4);
        let Ok(remaining) = done else {
            assert_eq!(packet, data, "refused");
            continue;
        };
        assert_eq!(Flow::parse(&packet[..]), Ok(new), "the new ends");
        let whole = l4 == L4Checksum::Whole && old.fragment != Fragment::Later;
        let expected = match old.protocol {
            SCTP if whole && (old.sport, old.dport) != (new.sport, new.dport) => {
                Remaining::SctpChecksum
            }
            UDP if whole && field(data, &old) == Some(0) => Remaining::UdpChecksum,
            _ => Remaining::Nothing,
        };
        assert_eq!(remaining, expected);
        let none = |packet, flow| whole && field(packet, flow) == Some(0);
        if old.protocol == UDP {
            assert_eq!(none(data, &old), none(&packet, &new), "no checksum");
        }
        if expected == Remaining::Nothing {
            assert_eq!(
                corrected_sum(data, &old, whole),
                corrected_sum(&packet, &new, whole),
                "checksum"
            );
        }
    }
});
