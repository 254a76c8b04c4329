// SPDX-License-Identifier: GPL-2.0

//! Which packets may open a connection.

use ipvs_core::flow::Flow;
use ipvs_core::plan::opening::{opening, Opening, Sloppy};
use ipvs_core::proto::tcp::flags::{ACK, FIN, RST, SYN};

/// An IPv4 packet of `protocol` with this fragment field, `len` bytes after the network header,
/// and TCP `flags` if there is room.
fn packet(protocol: u8, fragment: u16, len: usize, flags: u8) -> Vec<u8> {
    let mut bytes = vec![0; 20 + len];
    bytes[0] = 0x45;
    let total = bytes.len() as u16;
    bytes[2..4].copy_from_slice(&total.to_be_bytes());
    bytes[6..8].copy_from_slice(&fragment.to_be_bytes());
    bytes[9] = protocol;
    if let Some(byte) = bytes.get_mut(33) {
        *byte = flags;
    }
    bytes
}

const STRICT: Sloppy = Sloppy {
    tcp: false,
    sctp: false,
};
const SLOPPY: Sloppy = Sloppy {
    tcp: true,
    sctp: true,
};

#[test]
fn packets_that_open_connections() {
    use Opening::{Allowed, Refused, Unreadable};
    for (sentence, packet, expected) in [
        ("SYN", packet(6, 0, 20, SYN), Allowed),
        ("SYN with ACK", packet(6, 0, 20, SYN | ACK), Allowed),
        ("SYN with FIN", packet(6, 0, 20, SYN | FIN), Allowed),
        ("SYN with RST", packet(6, 0, 20, SYN | RST), Refused),
        ("ACK", packet(6, 0, 20, ACK), Refused),
        ("RST", packet(6, 0, 20, RST), Refused),
        ("no flag", packet(6, 0, 20, 0), Refused),
        (
            "a SYN without its last byte",
            packet(6, 0, 19, SYN),
            Unreadable,
        ),
        ("UDP", packet(17, 0, 8, 0), Allowed),
        ("UDP without its last byte", packet(17, 0, 7, 0), Unreadable),
        (
            "the first fragment of UDP",
            packet(17, 0x2000, 8, 0),
            Allowed,
        ),
        ("a later fragment of UDP", packet(17, 0x2001, 8, 0), Refused),
        (
            "a later fragment of TCP",
            packet(6, 0x0001, 20, SYN),
            Refused,
        ),
    ] {
        let flow = Flow::parse(&packet[..]).unwrap();
        assert_eq!(opening(&flow, &packet[..], STRICT), expected, "{sentence}");
    }
}

#[test]
fn packets_that_open_connections_when_tcp_is_sloppy() {
    use Opening::{Allowed, Refused};
    for (sentence, flags, expected) in [
        ("SYN", SYN, Allowed),
        ("ACK", ACK, Allowed),
        ("FIN with ACK", FIN | ACK, Allowed),
        ("no flag", 0, Allowed),
        ("RST", RST, Refused),
        ("SYN with RST", SYN | RST, Refused),
    ] {
        let packet = packet(6, 0, 20, flags);
        let flow = Flow::parse(&packet[..]).unwrap();
        assert_eq!(opening(&flow, &packet[..], SLOPPY), expected, "{sentence}");
    }
}

#[test]
fn associations_begin_with_init() {
    use Opening::{Allowed, Refused, Unreadable};
    let sctp = |kind, len| {
        let mut packet = packet(132, 0, len, 0);
        if let Some(byte) = packet.get_mut(32) {
            *byte = kind;
        }
        packet
    };
    for (sentence, packet, strict, sloppy) in [
        ("INIT", sctp(1, 32), Allowed, Allowed),
        ("INIT ACK", sctp(2, 32), Refused, Allowed),
        ("DATA", sctp(0, 32), Refused, Allowed),
        ("COOKIE ECHO", sctp(10, 32), Refused, Allowed),
        ("ABORT", sctp(6, 16), Refused, Refused),
        ("half a chunk header", sctp(1, 15), Unreadable, Unreadable),
        ("no chunk", sctp(1, 12), Unreadable, Unreadable),
    ] {
        let flow = Flow::parse(&packet[..]).unwrap();
        assert_eq!(opening(&flow, &packet[..], STRICT), strict, "{sentence}");
        assert_eq!(opening(&flow, &packet[..], SLOPPY), sloppy, "{sentence}");
    }
}
