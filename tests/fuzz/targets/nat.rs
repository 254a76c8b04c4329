// SPDX-License-Identifier: GPL-2.0

//! Any packet, translated each way: the new ends are there, every checksum is as right or wrong as
//! it was, nothing else changed; and what is refused did not change at all.

#![no_main]

use ipvs_core::addr::{Addr, Family};
use ipvs_core::checksum::Sum;
use ipvs_core::flow::{Flow, Fragment, Network, NotOurs};
use ipvs_core::nat::{bare, L4Checksum, Remaining};
use ipvs_core::proto::{SCTP, UDP};
use ipvs_fuzz::packets::{corrected_sum, field, translated, value};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let old = match Flow::parse(data) {
        Ok(old) => old,
        Err(NotOurs::Ipsec) => return bare(data),
        Err(_) => return,
    };
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

/// A packet of AH or ESP: only an address changes, and with it the checksum of an IPv4 header.
fn bare(data: &[u8]) {
    let old = Network::parse(data).expect("a packet");
    let (addr, range) = match old.family {
        Family::V4 => (Addr::from_v4([192, 0, 2, 77]), 12..20),
        Family::V6 => (Addr::from_v6([0xFD; 16]), 8..40),
    };
    for source in [false, true] {
        let mut packet = data.to_vec();
        let edit = if source {
            bare::set_source
        } else {
            bare::set_destination
        };
        let done = edit(&mut packet, old.family, addr);
        assert_eq!(done, Ok(Remaining::Nothing));
        let new = Network::parse(&packet[..]).expect("still a packet");
        let (src, dst) = if source {
            (addr, old.dst)
        } else {
            (old.src, addr)
        };
        assert_eq!(new, Network { src, dst, ..old });
        assert_eq!(packet[range.end..], data[range.end..], "what is behind");
        if old.family == Family::V4 {
            assert_eq!(sum(data), sum(&packet), "checksum");
            packet[10..12].copy_from_slice(&data[10..12]);
        }
        packet[range.clone()].copy_from_slice(&data[range.clone()]);
        assert_eq!(packet, data, "what is before");
    }
}

/// The sum over the fixed header of IPv4.
fn sum(packet: &[u8]) -> u16 {
    value(Sum::ZERO.add_bytes(&packet[..20]))
}
