// SPDX-License-Identifier: GPL-2.0

//! Which packets may open a connection.

use ipvs_core::flow::Flow;
use ipvs_core::plan::{opening, Opening};
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
        assert_eq!(opening(&flow, &packet[..], false), expected, "{sentence}");
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
        assert_eq!(opening(&flow, &packet[..], true), expected, "{sentence}");
    }
}
