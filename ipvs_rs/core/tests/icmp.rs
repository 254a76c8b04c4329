// SPDX-License-Identifier: GPL-2.0

//! ICMP errors, what they quote, and what translation makes of them.

use ipvs_core::addr::{Addr, Family};
use ipvs_core::checksum::Sum;
use ipvs_core::flow::{Fragment, Tuple};
use ipvs_core::icmp::{to_client, to_server, Endpoint, NoReport, Report};
use proptest::prelude::*;

const CLIENT: [u8; 16] = [10, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];
const VIRTUAL: [u8; 16] = [10, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
const SERVER: [u8; 16] = [172, 16, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9];

fn addr(family: Family, octets: [u8; 16]) -> Addr {
    let [a, b, c, d, ..] = octets;
    match family {
        Family::V4 => Addr::from_v4([a, b, c, d]),
        Family::V6 => Addr::from_v6(octets),
    }
}

/// A packet with right IPv4 checksum.
fn ip(family: Family, src: [u8; 16], dst: [u8; 16], protocol: u8, payload: &[u8]) -> Vec<u8> {
    let length = payload.len() as u16;
    let mut packet = match family {
        Family::V4 => {
            let mut header = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, protocol, 0, 0];
            header[2..4].copy_from_slice(&(length + 20).to_be_bytes());
            header.extend(&src[..4]);
            header.extend(&dst[..4]);
            let sum = Sum::ZERO.add_bytes(&header).checksum();
            header[10..12].copy_from_slice(&sum.to_be_bytes());
            header
        }
        Family::V6 => {
            let mut header = vec![0x60, 0, 0, 0, 0, 0, protocol, 64];
            header[4..6].copy_from_slice(&length.to_be_bytes());
            header.extend(src);
            header.extend(dst);
            header
        }
    };
    packet.extend(payload);
    packet
}

/// An error about `quoted`.
fn error(family: Family, src: [u8; 16], dst: [u8; 16], kind: u8, quoted: &[u8]) -> Vec<u8> {
    let protocol = if family == Family::V4 { 1 } else { 58 };
    let mut message = vec![kind, 3, 0, 0, 0, 0, 0, 0];
    message.extend(quoted);
    let sum = icmp_sum(family, addr(family, src), addr(family, dst), &message);
    message[2..4].copy_from_slice(&(!sum).to_be_bytes());
    ip(family, src, dst, protocol, &message)
}

fn icmp_sum(family: Family, src: Addr, dst: Addr, message: &[u8]) -> u16 {
    let sum = match family {
        Family::V4 => Sum::ZERO,
        Family::V6 => Sum::ZERO.add_pseudo_header(family, src, dst, 58, message.len() as u32),
    };
    sum.add_bytes(message).partial()
}

/// A datagram from port 53 to port 2000.
const DATAGRAM: [u8; 13] = [0, 53, 7, 0xD0, 0, 13, 1, 2, b'h', b'e', b'l', b'l', b'o'];

/// What a client's kernel says of a datagram of the virtual service.
fn report_of_client(family: Family) -> Vec<u8> {
    let kind = if family == Family::V4 { 3 } else { 1 };
    let quoted = ip(family, VIRTUAL, CLIENT, 17, &DATAGRAM);
    error(family, CLIENT, VIRTUAL, kind, &quoted)
}

/// Whether all checksums of an error are right.
fn is_right(packet: &[u8]) -> bool {
    let report = Report::parse(packet).unwrap();
    let message = &packet[report.message()..];
    let outer = report.outer;
    let quoted = &packet[report.embedded..][..report.about.transport];
    let headers = match outer.family {
        Family::V4 => {
            Sum::ZERO.add_bytes(&packet[..report.message()]).partial() == 0xFFFF
                && Sum::ZERO.add_bytes(quoted).partial() == 0xFFFF
        }
        Family::V6 => true,
    };
    headers && icmp_sum(outer.family, outer.src, outer.dst, message) == 0xFFFF
}

#[test]
fn an_error_goes_against_what_it_is_about() {
    for family in [Family::V4, Family::V6] {
        let packet = report_of_client(family);
        let report = Report::parse(&packet[..]).unwrap();
        let expected = Tuple {
            src: addr(family, CLIENT),
            dst: addr(family, VIRTUAL),
            sport: 2000,
            dport: 53,
            protocol: 17,
            family,
        };
        assert_eq!(report.tuple(), expected);
        assert_eq!(report.counterpart().tuple(), expected);
        assert!(is_right(&packet));
    }
}

#[test]
fn packets_that_are_no_report_say_why() {
    let v4 = report_of_client(Family::V4);
    let v6 = report_of_client(Family::V6);
    let with = |packet: &[u8], at: usize, byte: u8| {
        let mut packet = packet.to_vec();
        packet[at] = byte;
        packet
    };
    for (sentence, packet, reason) in [
        ("echo request", with(&v4, 20, 8), NoReport::Other),
        ("redirect", with(&v4, 20, 5), NoReport::Other),
        ("parameter problem", with(&v4, 20, 12), NoReport::Other),
        ("ICMPv6 echo", with(&v6, 40, 128), NoReport::Other),
        ("ICMP in IPv6", with(&v6, 6, 1), NoReport::Other),
        ("first fragment", with(&v4, 6, 0x20), NoReport::Fragment),
        ("later fragment", with(&v4, 7, 1), NoReport::Fragment),
        ("seven bytes", v4[..27].to_vec(), NoReport::Truncated),
        ("seven bytes", v6[..47].to_vec(), NoReport::Truncated),
        ("quotes nothing", v4[..28].to_vec(), NoReport::Other),
        (
            "quotes three bytes of ports",
            v4[..51].to_vec(),
            NoReport::NoPorts,
        ),
        ("quotes IPv6 in IPv4", with(&v4, 28, 0x65), NoReport::Other),
        ("quotes a later fragment", with(&v4, 35, 1), NoReport::Other),
        (
            "quotes a short header",
            with(&v4, 28, 0x44),
            NoReport::Other,
        ),
        (
            "quotes a header beyond the end",
            with(&v4, 28, 0x4F),
            NoReport::NoPorts,
        ),
        ("quotes another protocol", with(&v4, 37, 2), NoReport::Other),
        ("quotes an error", with(&v4, 37, 1), NoReport::Other),
        ("nothing", vec![], NoReport::Other),
    ] {
        assert_eq!(Report::parse(&packet[..]), Err(reason), "{sentence}");
    }
}

#[test]
fn quoted_lengths_mean_nothing() {
    for length in [0, 19, 20, 27, 65535_u16] {
        let mut packet = report_of_client(Family::V4);
        packet[30..32].copy_from_slice(&length.to_be_bytes());
        let report = Report::parse(&packet[..]).unwrap();
        assert_eq!(
            (report.tuple().sport, report.about.fragment),
            (2000, Fragment::Whole)
        );
    }
}

#[test]
fn an_edit_stops_at_the_end() {
    for family in [Family::V4, Family::V6] {
        let packet = report_of_client(family);
        let report = Report::parse(&packet[..]).unwrap();
        let server = Endpoint {
            addr: addr(family, SERVER),
            port: 5353,
        };
        for length in 0..packet.len() {
            let mut headers = packet[..length].to_vec();
            // The destination port is not touched by one of the two.
            let enough = (report.headers() - 2, report.headers());
            assert_eq!(
                to_server(&mut headers, &report, server).is_ok(),
                length >= enough.0
            );
            let mut headers = packet[..length].to_vec();
            assert_eq!(
                to_client(&mut headers, &report, server).is_ok(),
                length >= enough.1
            );
        }
    }
}

fn families() -> impl Strategy<Value = Family> {
    prop_oneof![Just(Family::V4), Just(Family::V6)]
}

proptest! {
    #[test]
    fn there_and_back_is_nothing(
        family in families(),
        src: [u8; 16],
        dst: [u8; 16],
        new: [u8; 16],
        port: u16,
        ports: [u8; 4],
        rest in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let payload = [&ports[..], &rest].concat();
        let quoted = ip(family, dst, src, 17, &payload);
        let kind = if family == Family::V4 { 11 } else { 3 };
        let packet = error(family, src, dst, kind, &quoted);
        let report = Report::parse(&packet[..]).unwrap();
        let endpoint = Endpoint { addr: addr(family, new), port };

        let mut edited = packet.clone();
        to_server(&mut edited, &report, endpoint).unwrap();
        prop_assert!(is_right(&edited));
        let there = Report::parse(&edited[..]).unwrap();
        prop_assert_eq!(there.outer.dst, endpoint.addr);
        prop_assert_eq!((there.about.src, there.about.sport), (endpoint.addr, port));
        prop_assert_eq!((there.outer.src, there.about.dst), (report.outer.src, report.about.dst));
        prop_assert_eq!(there.about.dport, report.about.dport);
        let old = Endpoint { addr: addr(family, dst), port: report.about.sport };
        to_server(&mut edited, &there, old).unwrap();
        prop_assert!(is_right(&edited));

        let mut edited = packet.clone();
        to_client(&mut edited, &report, endpoint).unwrap();
        prop_assert!(is_right(&edited));
        let there = Report::parse(&edited[..]).unwrap();
        prop_assert_eq!(there.outer.src, endpoint.addr);
        prop_assert_eq!((there.about.dst, there.about.dport), (endpoint.addr, port));
    }

    #[test]
    fn parsing_is_total(packet in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(report) = Report::parse(&packet[..]) {
            prop_assert!(report.headers() <= packet.len());
        }
    }
}
