// SPDX-License-Identifier: GPL-2.0

//! ICMP errors about packets in which others travel, and about those that ride on a key exchange.

use ipvs_core::addr::{Addr, Family};
use ipvs_core::icmp::tunnel::{told_mtu, ClientError, Layer, TunnelReport};
use ipvs_core::icmp::{to_server, Endpoint, NoReport, Report};
use proptest::prelude::*;

const DIRECTOR: [u8; 16] = [172, 16, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
const SERVER: [u8; 16] = [172, 16, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];
const CLIENT: [u8; 16] = [10, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3];
const SERVICE: [u8; 16] = [10, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4];
const FAMILIES: [Family; 2] = [Family::V4, Family::V6];

fn addr(family: Family, octets: [u8; 16]) -> Addr {
    match family {
        Family::V4 => Addr::from_v4([octets[0], octets[1], octets[2], octets[3]]),
        Family::V6 => Addr::from_v6(octets),
    }
}

fn ip(family: Family, src: [u8; 16], dst: [u8; 16], protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = match family {
        Family::V4 => vec![0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, protocol, 0, 0],
        Family::V6 => vec![0x60, 0, 0, 0, 0, 0, protocol, 64],
    };
    let (length, at) = match family {
        Family::V4 => (payload.len() + 20, 2),
        Family::V6 => (payload.len(), 4),
    };
    packet[at..at + 2].copy_from_slice(&(length as u16).to_be_bytes());
    let size = if family == Family::V4 { 4 } else { 16 };
    packet.extend(&src[..size]);
    packet.extend(&dst[..size]);
    packet.extend(payload);
    packet
}

/// The client's datagram.
fn question(inner: Family) -> Vec<u8> {
    let datagram = [0x07, 0xD0, 0, 53, 0, 12, 0, 0, b'w', b'h', b'a', b't'];
    ip(inner, CLIENT, SERVICE, 17, &datagram)
}

/// What is between the outer header and the client's packet, and what the outer header calls it.
fn layers(inner: Family) -> [(Layer, u8, Vec<u8>); 4] {
    let number = if inner == Family::V4 { 4 } else { 41 };
    let ether: [u8; 2] = if inner == Family::V4 {
        [8, 0]
    } else {
        [0x86, 0xDD]
    };
    let gue = vec![
        0x9C, 0x40, 0x15, 0xB3, 0, 0, 0, 0, 1, number, 0, 1, 9, 9, 9, 9,
    ];
    [
        (Layer::Ip, number, vec![]),
        (Layer::Gue { port: 5555 }, 17, gue),
        (Layer::Gre, 47, [&[0, 0], &ether[..]].concat()),
        (
            Layer::Gre,
            47,
            [&[0x80, 0], &ether[..], &[1, 2, 0, 0]].concat(),
        ),
    ]
}

fn error(outer: Family, kind: u8, code: u8, rest: u32, quoted: &[u8]) -> Vec<u8> {
    let mut message = vec![kind, code, 0, 0];
    message.extend(rest.to_be_bytes());
    message.extend(quoted);
    let protocol = if outer == Family::V4 { 1 } else { 58 };
    ip(outer, SERVER, DIRECTOR, protocol, &message)
}

/// An error about a question in a layer.
fn about(outer: Family, inner: Family, (_, protocol, layer): &(Layer, u8, Vec<u8>)) -> Vec<u8> {
    let wrapped = [&layer[..], &question(inner)].concat();
    ip(outer, DIRECTOR, SERVER, *protocol, &wrapped)
}

#[test]
fn every_layer_is_seen_through() {
    for outer in FAMILIES {
        for inner in FAMILIES {
            for layer in layers(inner) {
                let quoted = about(outer, inner, &layer);
                let kind = if outer == Family::V4 { 3 } else { 1 };
                let packet = error(outer, kind, 1, 7, &quoted);
                let report = TunnelReport::parse(&packet[..]).unwrap();
                assert_eq!(report.layer, layer.0);
                assert_eq!(report.server, addr(outer, SERVER));
                assert_eq!((report.kind, report.code, report.rest), (kind, 1, 7));
                assert_eq!(packet[report.inner..], question(inner));
                assert_eq!(report.about.tuple().src, addr(inner, CLIENT));
                assert_eq!((report.about.sport, report.about.dport), (2000, 53));
                assert_eq!(report.dont_fragment, inner == Family::V4);
                // Four bytes behind the inner header are enough, and none less.
                let least = report.inner + report.about.transport + 4;
                for length in 0..least {
                    assert!(TunnelReport::parse(&packet[..length]).is_err(), "{length}");
                }
                assert!(TunnelReport::parse(&packet[..least]).is_ok());
            }
        }
    }
}

#[test]
fn what_no_tunnel_of_ours_sends_is_none() {
    let (inner, outer) = (Family::V4, Family::V4);
    let [_, gue, gre, _] = layers(inner);
    let with = |layer: &(Layer, u8, Vec<u8>), at: usize, byte: u8| {
        let mut layer = layer.clone();
        layer.2[at] = byte;
        error(outer, 3, 1, 0, &about(outer, inner, &layer))
    };
    for (sentence, packet) in [
        ("another version of GUE", with(&gue, 8, 0x41)),
        ("a control message", with(&gue, 8, 0x21)),
        ("another protocol in GUE", with(&gue, 9, 6)),
        ("the other family in GUE", with(&gue, 9, 41)),
        ("a key in GRE", with(&gre, 0, 0x20)),
        ("another version of GRE", with(&gre, 1, 1)),
        ("another protocol in GRE", with(&gre, 2, 0x65)),
        ("no tunnel", error(outer, 3, 1, 0, &question(inner))),
        ("an echo", error(outer, 8, 0, 0, &about(outer, inner, &gre))),
    ] {
        assert_eq!(
            TunnelReport::parse(&packet[..]),
            Err(NoReport::Other),
            "{sentence}"
        );
    }
}

#[test]
fn clients_are_told_what_concerns_them() {
    use ClientError::{Nothing, Same, TooBig, Unreachable};
    let (v4, v6) = (Family::V4, Family::V6);
    let too_big = |overhead| TooBig {
        overhead,
        mtu: 1400,
    };
    for (outer, inner, kind, code, expected) in [
        (v4, v4, 3, 4, too_big(20)),
        (v4, v4, 3, 1, Same),
        (v4, v4, 4, 0, Same),
        (v4, v4, 11, 0, Same),
        (v4, v6, 3, 4, too_big(20)),
        (v4, v6, 3, 3, Unreachable),
        (v4, v6, 4, 0, Nothing),
        (v4, v6, 11, 0, Unreachable),
        (v6, v4, 2, 0, too_big(40)),
        (v6, v4, 1, 4, Unreachable),
        (v6, v6, 2, 0, too_big(40)),
        (v6, v6, 3, 0, Unreachable),
        (v6, v6, 4, 1, Unreachable),
        (v6, v6, 100, 0, Nothing),
    ] {
        let [layer, ..] = layers(inner);
        let packet = error(outer, kind, code, 1400, &about(outer, inner, &layer));
        let report = TunnelReport::parse(&packet[..]).unwrap();
        assert_eq!(
            report.client_error(),
            expected,
            "{outer:?} {inner:?} {kind}/{code}"
        );
        let fragmentable = TunnelReport {
            dont_fragment: false,
            ..report
        };
        let quiet = inner == v4 && matches!(expected, TooBig { .. });
        let expected = if quiet { Nothing } else { expected };
        assert_eq!(fragmentable.client_error(), expected);
    }
    for (family, mtu, overhead, told) in [
        (v4, 1400, 20, 1380),
        (v4, 10, 20, 68),
        (v6, 1400, 40, 1360),
        (v6, 1300, 40, 1280),
    ] {
        assert_eq!(told_mtu(family, mtu, overhead), told);
    }
}

#[test]
fn errors_about_ah_and_esp_are_about_their_key_exchange() {
    for family in FAMILIES {
        // The walk over extension headers of IPv6 goes on behind AH.
        for protocol in if family == Family::V4 {
            &[50, 51][..]
        } else {
            &[50][..]
        } {
            let quoted = ip(family, SERVICE, CLIENT, *protocol, &[1, 2, 3]);
            let kind = if family == Family::V4 { 3 } else { 1 };
            let mut packet = error(family, kind, 1, 0, &quoted);
            let report = Report::parse(&packet[..]).unwrap();
            let tuple = report.tuple();
            assert_eq!((tuple.sport, tuple.dport, tuple.protocol), (500, 500, 17));
            assert!(!report.has_ports());
            let server = Endpoint {
                addr: addr(family, SERVER),
                port: 9,
            };
            to_server(&mut packet[..report.headers()], &report, server).unwrap();
            assert_eq!(packet[report.headers()..], [1, 2, 3]);
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_a_report_or_not(
        family in 0..2_usize,
        layer in 0..4_usize,
        spoil in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        length in any::<prop::sample::Index>(),
    ) {
        let family = FAMILIES[family];
        let kind = if family == Family::V4 { 3 } else { 1 };
        let mut packet = error(family, kind, 1, 0, &about(family, family, &layers(family)[layer]));
        for (at, byte) in spoil {
            let at = at.index(packet.len());
            packet[at] = byte;
        }
        packet.truncate(length.index(packet.len() + 1));
        if let Ok(report) = TunnelReport::parse(&packet[..]) {
            prop_assert!(report.inner + 20 <= packet.len());
            prop_assert!(report.embedded < report.inner);
        }
    }
}
