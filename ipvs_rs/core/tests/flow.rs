// SPDX-License-Identifier: GPL-2.0

//! Packets and what is read from them.

use ipvs_core::addr::{Addr, Family};
use ipvs_core::flow::{Flow, Fragment, HeaderSource, Network, NotOurs, Plain};
use proptest::prelude::*;
use std::cell::RefCell;

const CLIENT: [u8; 4] = [10, 0, 0, 2];
const VIRTUAL: [u8; 4] = [207, 175, 44, 110];

/// An IPv4 packet of `protocol` with `options` bytes of options, from port 40000 to port 80.
fn v4(protocol: u8, options: usize, payload: &[u8]) -> Vec<u8> {
    let header = 20 + options;
    let length = (header + payload.len()) as u16;
    let mut packet = vec![0; header];
    packet[0] = 0x40 | (header / 4) as u8;
    packet[2..4].copy_from_slice(&length.to_be_bytes());
    packet[8] = 64;
    packet[9] = protocol;
    packet[12..16].copy_from_slice(&CLIENT);
    packet[16..20].copy_from_slice(&VIRTUAL);
    packet.extend(payload);
    packet
}

/// A TCP header with the flags SYN and ACK.
const TCP: [u8; 20] = [
    0x9C, 0x40, 0, 80, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x12, 0xFF, 0xFF, 0, 0, 0, 0,
];
const UDP: [u8; 8] = [0x9C, 0x40, 0, 53, 0, 8, 0, 0];

/// An IPv6 packet with the extension headers `chain` (kind, bytes) and then `protocol`.
fn v6(chain: &[(u8, Vec<u8>)], protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0; 40];
    packet[0] = 0x60;
    packet[7] = 64;
    packet[8..24].copy_from_slice(&[0x11; 16]);
    packet[24..40].copy_from_slice(&[0x22; 16]);
    let kinds = chain.iter().map(|(kind, _)| *kind);
    let mut next = kinds.skip(1).chain([protocol]);
    packet[6] = chain.first().map_or(protocol, |(kind, _)| *kind);
    for (_, bytes) in chain {
        let mut bytes = bytes.clone();
        bytes[0] = next.next().unwrap();
        packet.extend(bytes);
    }
    packet.extend(payload);
    let length = (packet.len() - 40) as u16;
    packet[4..6].copy_from_slice(&length.to_be_bytes());
    packet
}

fn with<const N: usize>(mut packet: Vec<u8>, at: usize, bytes: [u8; N]) -> Vec<u8> {
    packet[at..at + N].copy_from_slice(&bytes);
    packet
}

fn cut(mut packet: Vec<u8>, len: usize) -> Vec<u8> {
    packet.truncate(len);
    packet
}

/// An options header of `units` times eight bytes.
fn options(units: usize) -> Vec<u8> {
    let mut header = vec![0; units * 8];
    header[1] = (units - 1) as u8;
    header
}

/// A fragment header with this offset field.
fn fragment(offset: u16) -> Vec<u8> {
    let mut header = vec![0; 8];
    header[2..4].copy_from_slice(&offset.to_be_bytes());
    header
}

#[test]
fn ipv4_packets_of_ours() {
    for (sentence, packet, protocol, fragment, ports, transport) in [
        ("TCP", v4(6, 0, &TCP), 6, Fragment::Whole, (40000, 80), 20),
        ("UDP", v4(17, 0, &UDP), 17, Fragment::Whole, (40000, 53), 20),
        (
            "TCP behind 40 bytes of options",
            v4(6, 40, &TCP),
            6,
            Fragment::Whole,
            (40000, 80),
            60,
        ),
        (
            "don't fragment is no fragment",
            with(v4(17, 0, &UDP), 6, [0x40, 0]),
            17,
            Fragment::Whole,
            (40000, 53),
            20,
        ),
        (
            "first fragment",
            with(v4(17, 0, &UDP), 6, [0x20, 0]),
            17,
            Fragment::First,
            (40000, 53),
            20,
        ),
        (
            "middle fragment",
            with(v4(17, 0, &UDP), 6, [0x20, 1]),
            17,
            Fragment::Later,
            (0, 0),
            20,
        ),
        (
            "last fragment, with no byte of payload",
            cut(with(v4(17, 0, &[]), 6, [0x1F, 0xFF]), 20),
            17,
            Fragment::Later,
            (0, 0),
            20,
        ),
        (
            "only the ports",
            v4(6, 0, &TCP[..4]),
            6,
            Fragment::Whole,
            (40000, 80),
            20,
        ),
        (
            "a local segment above 64 KiB, which has length 0",
            with(v4(6, 0, &TCP), 2, [0, 0]),
            6,
            Fragment::Whole,
            (40000, 80),
            20,
        ),
    ] {
        let flow = Flow::parse(&packet[..]).expect(sentence);
        let expected = Flow {
            family: Family::V4,
            protocol,
            fragment,
            src: Addr::from_v4(CLIENT),
            dst: Addr::from_v4(VIRTUAL),
            sport: ports.0,
            dport: ports.1,
            transport,
        };
        assert_eq!(flow, expected, "{sentence}");
    }
}

#[test]
fn ipv6_packets_of_ours() {
    for (sentence, packet, protocol, fragment, ports, transport) in [
        ("TCP", v6(&[], 6, &TCP), 6, Fragment::Whole, (40000, 80), 40),
        (
            "hop-by-hop, destination options, routing, then UDP",
            v6(
                &[(0, options(1)), (60, options(3)), (43, options(2))],
                17,
                &UDP,
            ),
            17,
            Fragment::Whole,
            (40000, 53),
            88,
        ),
        (
            "first fragment",
            v6(&[(44, fragment(1))], 17, &UDP),
            17,
            Fragment::First,
            (40000, 53),
            48,
        ),
        (
            "atomic fragment",
            v6(&[(44, fragment(0))], 17, &UDP),
            17,
            Fragment::Whole,
            (40000, 53),
            48,
        ),
        (
            "later fragment: what follows is payload",
            v6(&[(44, fragment(8))], 17, &[]),
            17,
            Fragment::Later,
            (0, 0),
            48,
        ),
        (
            "authentication header of 24 bytes",
            v6(&[(51, with(vec![0; 24], 1, [4]))], 6, &TCP),
            6,
            Fragment::Whole,
            (40000, 80),
            64,
        ),
        (
            "a jumbogram, which has length 0",
            with(v6(&[], 6, &TCP), 4, [0, 0]),
            6,
            Fragment::Whole,
            (40000, 80),
            40,
        ),
    ] {
        let flow = Flow::parse(&packet[..]).expect(sentence);
        let expected = Flow {
            family: Family::V6,
            protocol,
            fragment,
            src: Addr::from_v6([0x11; 16]),
            dst: Addr::from_v6([0x22; 16]),
            sport: ports.0,
            dport: ports.1,
            transport,
        };
        assert_eq!(flow, expected, "{sentence}");
    }
}

#[test]
fn packets_that_are_not_ours_say_why() {
    let tcp = NotOurs::NoPorts { protocol: 6 };
    for (sentence, packet, why) in [
        ("nothing", vec![], NotOurs::Truncated),
        ("19 bytes", cut(v4(6, 0, &TCP), 19), NotOurs::Truncated),
        (
            "version 5",
            with(v4(6, 0, &TCP), 0, [0x55]),
            NotOurs::BadHeader,
        ),
        (
            "header length 16",
            with(v4(6, 0, &TCP), 0, [0x44]),
            NotOurs::BadHeader,
        ),
        (
            "total length below header length",
            with(v4(6, 0, &TCP), 2, [0, 19]),
            NotOurs::BadHeader,
        ),
        ("no ports", v4(6, 0, &TCP[..3]), tcp),
        (
            "ports behind the end of the datagram",
            with(v4(6, 0, &TCP), 2, [0, 23]),
            tcp,
        ),
        ("buffer ends in the ports", cut(v4(6, 0, &TCP), 23), tcp),
        ("buffer ends in the options", cut(v4(6, 40, &TCP), 30), tcp),
        ("ICMP", v4(1, 0, &[8, 0, 0, 0]), NotOurs::Icmp),
        (
            "a later fragment of ICMP",
            with(v4(1, 0, &[]), 6, [0, 1]),
            NotOurs::Icmp,
        ),
        ("GRE", v4(47, 0, &[]), NotOurs::OtherProtocol(47)),
        ("ICMPv6 in IPv4", v4(58, 0, &[]), NotOurs::OtherProtocol(58)),
        (
            "39 bytes of IPv6",
            cut(v6(&[], 6, &TCP), 39),
            NotOurs::Truncated,
        ),
        ("ICMPv6", v6(&[], 58, &[128, 0, 0, 0]), NotOurs::Icmp),
        (
            "ICMPv6 behind an extension header",
            v6(&[(0, options(1))], 58, &[128, 0, 0, 0]),
            NotOurs::Icmp,
        ),
        ("ICMP in IPv6", v6(&[], 1, &[]), NotOurs::OtherProtocol(1)),
        (
            "no next header",
            v6(&[], 59, &[]),
            NotOurs::OtherProtocol(59),
        ),
        (
            "extension header cut",
            cut(v6(&[(0, options(1))], 6, &TCP), 45),
            NotOurs::Truncated,
        ),
        (
            "extension header longer than the packet",
            with(v6(&[(0, options(1))], 6, &TCP), 41, [0xFF]),
            tcp,
        ),
        (
            "16 extension headers are walked, then the ports are missing",
            v6(&vec![(60, options(1)); 16], 6, &TCP[..2]),
            tcp,
        ),
        (
            "17 extension headers",
            v6(&vec![(60, options(1)); 17], 6, &TCP),
            NotOurs::BadHeader,
        ),
        (
            "a later fragment of something behind more extension headers",
            v6(&[(44, fragment(8))], 60, &[]),
            NotOurs::OtherProtocol(60),
        ),
    ] {
        assert_eq!(Flow::parse(&packet[..]), Err(why), "{sentence}");
    }
}

#[test]
fn tcp_flags_need_the_whole_fixed_header() {
    let packet = v4(6, 4, &TCP);
    let flow = Flow::parse(&packet[..]).unwrap();
    assert_eq!(flow.tcp_flags(&packet[..]), Some(0x12));
    assert_eq!(flow.tcp_flags(&packet[..43]), None);
    let later = with(packet, 6, [0, 1]);
    let flow = Flow::parse(&later[..]).unwrap();
    assert_eq!(flow.tcp_flags(&later[..]), None);
}

#[test]
fn reversing_twice_is_nothing() {
    let tuple = Flow::parse(&v4(6, 0, &TCP)[..]).unwrap().tuple();
    assert_eq!(tuple.reversed().src, tuple.dst);
    assert_eq!(tuple.reversed().sport, tuple.dport);
    assert_eq!(tuple.reversed().reversed(), tuple);
}

/// Counts the reads, and gives all bytes through the caller's buffer as a fragmented socket
/// buffer does.
struct Counting<'a> {
    packet: &'a [u8],
    reads: RefCell<Vec<(usize, usize)>>,
}

impl HeaderSource for Counting<'_> {
    fn bytes<'b>(&'b self, offset: usize, buf: &'b mut [u8]) -> Option<&'b [u8]> {
        self.reads.borrow_mut().push((offset, buf.len()));
        buf.copy_from_slice(self.packet.get(offset..)?.get(..buf.len())?);
        Some(buf)
    }
}

#[test]
fn a_plain_packet_takes_one_read() {
    let packet = v4(6, 0, &TCP);
    let source = Counting {
        packet: &packet,
        reads: RefCell::default(),
    };
    assert_eq!(Flow::parse(&source), Flow::parse(&packet[..]));
    assert_eq!(*source.reads.borrow(), [(0, 24)]);
}

proptest! {
    #[test]
    fn plain_packets_have_the_flow_of_their_headers(
        version in prop_oneof![Just(0x45u8), Just(0x60), any::<u8>()],
        protocol in prop_oneof![Just(6u8), Just(17), Just(132), any::<u8>()],
        fragment in prop_oneof![Just([0u8; 2]), Just([0x40, 0]), any::<[u8; 2]>()],
        mut packet in proptest::collection::vec(any::<u8>(), 48),
    ) {
        packet[0] = version;
        packet[9] = protocol;
        if version >> 4 == 6 {
            packet[6] = protocol;
        }
        packet[6..8].copy_from_slice(&fragment);
        if version >> 4 == 6 {
            packet[6] = protocol;
        }
        // What the headers say, one after another.
        let flow = Network::parse(&packet[..]).and_then(|network| network.with_ports(&packet[..]));
        let plain = match version >> 4 {
            4 => Plain::v4(packet.first_chunk().unwrap()),
            _ => Plain::v6(packet.first_chunk().unwrap()),
        };
        let network = Network::parse(&packet[..]);
        let is_plain = flow.is_ok_and(|flow| {
            flow.fragment == Fragment::Whole && flow.transport == if version >> 4 == 4 { 20 } else { 40 }
        }) && matches!(version >> 4, 4 | 6);
        prop_assert_eq!(plain.is_some(), is_plain);
        if let Some(plain) = plain {
            prop_assert_eq!(Ok(plain.flow), flow);
            prop_assert_eq!(Flow::parse(&packet[..]), flow);
            prop_assert_eq!(plain.hops, packet[if version >> 4 == 4 { 8 } else { 7 }]);
            prop_assert_eq!(plain.has_length, network.unwrap().end != usize::MAX);
        }
    }

    #[test]
    fn no_bytes_break_it(
        version in prop_oneof![Just(4u8), Just(6), any::<u8>()],
        mut packet in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        if let Some(first) = packet.first_mut() {
            *first = (*first & 0xF) | (version << 4);
        }
        if let Ok(flow) = Flow::parse(&packet[..]) {
            prop_assert!(matches!(flow.protocol, 6 | 17 | 132));
            if flow.fragment == Fragment::Later {
                prop_assert_eq!((flow.sport, flow.dport), (0, 0));
            } else {
                let ports = &packet[flow.transport..flow.transport + 4];
                prop_assert_eq!(ports[..2].to_vec(), flow.sport.to_be_bytes().to_vec());
                prop_assert_eq!(ports[2..].to_vec(), flow.dport.to_be_bytes().to_vec());
            }
            flow.tcp_flags(&packet[..]);
        }
    }

    #[test]
    fn chains_of_extension_headers_are_walked_to_their_end(
        units in proptest::collection::vec((prop_oneof![Just(0u8), Just(43), Just(60)], 1usize..6), 0..=16),
    ) {
        let chain: Vec<_> = units.iter().map(|&(kind, units)| (kind, options(units))).collect();
        let packet = v6(&chain, 6, &TCP);
        let flow = Flow::parse(&packet[..]).unwrap();
        prop_assert_eq!(flow.transport, packet.len() - TCP.len());
        prop_assert_eq!(flow.dport, 80);
    }
}
