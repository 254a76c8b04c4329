// SPDX-License-Identifier: GPL-2.0

//! Header edits, compared with checksums computed from scratch.

use ipvs_core::addr::{Addr, Family};
use ipvs_core::checksum::Sum;
use ipvs_core::nat::{
    decrement_ttl, dnat_v4, options_v4, renew_header_checksum, snat_v4, Error, L4Checksum,
    Remaining, TtlError,
};
use proptest::prelude::*;

const CLIENT: [u8; 4] = [10, 0, 0, 2];
const VIRTUAL: [u8; 4] = [207, 175, 44, 110];
const SERVER: [u8; 4] = [172, 16, 0, 2];

/// The checksum by the book: add 16-bit words one after another, carry at once.
fn by_the_book(bytes: &[u8]) -> u16 {
    let mut sum = 0u32;
    for word in bytes.chunks(2) {
        sum += (u32::from(word[0]) << 8) | u32::from(*word.get(1).unwrap_or(&0));
        if sum > 0xFFFF {
            sum -= 0xFFFF;
        }
    }
    !(sum as u16)
}

#[derive(Clone, Copy, Debug)]
struct Packet<'a> {
    src: [u8; 4],
    dst: [u8; 4],
    ports: (u16, u16),
    protocol: u8,
    options: usize,
    ttl: u8,
    payload: &'a [u8],
}

impl Packet<'_> {
    const fn checksum_at(&self) -> usize {
        match self.protocol {
            6 => 16,
            _ => 6,
        }
    }

    fn transport(&self) -> usize {
        20 + self.options * 4
    }

    fn pseudo_header(&self, len: usize) -> Vec<u8> {
        let mut bytes = [self.src, self.dst].concat();
        bytes.extend([0, self.protocol]);
        bytes.extend((len as u16).to_be_bytes());
        bytes
    }

    /// The bytes, with all checksums from scratch.
    fn build(&self, l4: L4Checksum) -> Vec<u8> {
        let mut ports = self.ports.0.to_be_bytes().to_vec();
        ports.extend(self.ports.1.to_be_bytes());
        let mut segment = match self.protocol {
            6 => [
                &ports[..],
                &[0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x18, 1, 0, 0, 0, 0, 0],
            ]
            .concat(),
            _ => {
                let len = (self.payload.len() + 8) as u16;
                [&ports[..], &len.to_be_bytes(), &[0, 0]].concat()
            }
        };
        segment.extend(self.payload);
        let pseudo = self.pseudo_header(segment.len());
        let checksum = match l4 {
            L4Checksum::Whole => match by_the_book(&[&pseudo[..], &segment].concat()) {
                0 if self.protocol == 17 => 0xFFFF,
                checksum => checksum,
            },
            L4Checksum::PseudoHeader => !by_the_book(&pseudo),
        };
        let at = self.checksum_at();
        segment[at..at + 2].copy_from_slice(&checksum.to_be_bytes());

        let mut header = vec![7; self.transport()];
        header[0] = 0x40 | (self.transport() / 4) as u8;
        let len = (self.transport() + segment.len()) as u16;
        header[2..4].copy_from_slice(&len.to_be_bytes());
        header[8] = self.ttl;
        header[9] = self.protocol;
        header[10..12].fill(0);
        header[12..16].copy_from_slice(&self.src);
        header[16..20].copy_from_slice(&self.dst);
        let checksum = by_the_book(&header);
        header[10..12].copy_from_slice(&checksum.to_be_bytes());
        [header, segment].concat()
    }
}

const REQUEST: Packet<'_> = Packet {
    src: CLIENT,
    dst: VIRTUAL,
    ports: (40000, 80),
    protocol: 6,
    options: 0,
    ttl: 64,
    payload: b"GET / HTTP/1.0\r\n\r\n",
};

#[test]
fn edits_equal_packets_that_are_built_so() {
    for (sentence, before, l4) in [
        ("TCP", REQUEST, L4Checksum::Whole),
        (
            "TCP behind options",
            Packet {
                options: 10,
                ..REQUEST
            },
            L4Checksum::Whole,
        ),
        (
            "TCP that the network card completes",
            REQUEST,
            L4Checksum::PseudoHeader,
        ),
        (
            "UDP of odd length",
            Packet {
                protocol: 17,
                payload: b"odd",
                ..REQUEST
            },
            L4Checksum::Whole,
        ),
        (
            "UDP without payload that the network card completes",
            Packet {
                protocol: 17,
                payload: b"",
                ..REQUEST
            },
            L4Checksum::PseudoHeader,
        ),
    ] {
        let transport = before.transport();
        let protocol = before.protocol;
        let mut bytes = before.build(l4);
        let to = Addr::from_v4(SERVER);
        let result = dnat_v4(&mut bytes, transport, protocol, to, 8080, l4);
        let after = Packet {
            dst: SERVER,
            ports: (40000, 8080),
            ..before
        };
        assert_eq!(result, Ok(Remaining::Nothing), "{sentence}");
        assert_eq!(bytes, after.build(l4), "{sentence}: request");

        let from = Addr::from_v4(VIRTUAL);
        let result = snat_v4(&mut bytes, transport, protocol, from, 80, l4);
        let after = Packet {
            src: VIRTUAL,
            ports: (80, 8080),
            ..after
        };
        assert_eq!(result, Ok(Remaining::Nothing), "{sentence}");
        assert_eq!(bytes, after.build(l4), "{sentence}: reply");
    }
}

#[test]
fn udp_without_a_checksum_is_to_get_one() {
    let before = Packet {
        protocol: 17,
        ..REQUEST
    };
    let without = |packet: Packet<'_>| {
        let mut bytes = packet.build(L4Checksum::Whole);
        bytes[26..28].fill(0);
        bytes
    };
    let mut bytes = without(before);
    let to = Addr::from_v4(SERVER);
    let result = dnat_v4(&mut bytes, 20, 17, to, 8080, L4Checksum::Whole);
    assert_eq!(result, Ok(Remaining::UdpChecksum));
    let after = Packet {
        dst: SERVER,
        ports: (40000, 8080),
        ..before
    };
    assert_eq!(bytes, without(after));
}

#[test]
fn a_udp_checksum_of_zero_becomes_all_ones() {
    // The payload is chosen so that the edited packet sums up to 0xFFFF.
    let after = |payload| Packet {
        dst: SERVER,
        ports: (40000, 8080),
        protocol: 17,
        payload,
        ..REQUEST
    };
    let rest = by_the_book(&{
        let packet = after(&[0, 0]);
        let mut bytes = packet.pseudo_header(10);
        bytes.extend(&packet.build(L4Checksum::Whole)[20..26]);
        bytes
    });
    let payload = rest.to_be_bytes();
    let before = Packet {
        dst: VIRTUAL,
        ports: (40000, 80),
        ..after(&payload)
    };
    let mut bytes = before.build(L4Checksum::Whole);
    let to = Addr::from_v4(SERVER);
    dnat_v4(&mut bytes, 20, 17, to, 8080, L4Checksum::Whole).unwrap();
    assert_eq!(bytes[26..28], [0xFF, 0xFF]);
    assert_eq!(bytes, after(&payload).build(L4Checksum::Whole));
}

#[test]
fn what_is_too_short_stays_as_it_was() {
    for (protocol, needed) in [(6, 20), (17, 8)] {
        let whole = Packet {
            protocol,
            ..REQUEST
        }
        .build(L4Checksum::Whole);
        for len in 0..=20 + needed {
            let mut bytes = whole[..len].to_vec();
            let to = Addr::from_v4(SERVER);
            let result = dnat_v4(&mut bytes, 20, protocol, to, 1, L4Checksum::Whole);
            if len == 20 + needed {
                assert_eq!(result, Ok(Remaining::Nothing));
            } else {
                assert_eq!(result, Err(Error::TooShort));
                assert_eq!(bytes, whole[..len]);
            }
        }
    }
}

#[test]
fn other_protocols_stay_as_they_were() {
    let whole = REQUEST.build(L4Checksum::Whole);
    let mut bytes = whole.clone();
    let result = snat_v4(&mut bytes, 20, 50, Addr::ZERO, 1, L4Checksum::Whole);
    assert_eq!(result, Err(Error::Protocol(50)));
    assert_eq!(bytes, whole);
}

#[test]
fn every_hop_takes_one_from_the_time_to_live() {
    for ttl in 0..=255u8 {
        let before = Packet { ttl, ..REQUEST };
        let mut bytes = before.build(L4Checksum::Whole);
        if ttl > 1 {
            assert_eq!(decrement_ttl(&mut bytes), Ok(()));
            let after = Packet {
                ttl: ttl - 1,
                ..REQUEST
            };
            assert_eq!(bytes, after.build(L4Checksum::Whole));
        } else {
            assert_eq!(decrement_ttl(&mut bytes), Err(TtlError::Expired));
            assert_eq!(bytes, before.build(L4Checksum::Whole));
        }
    }
    assert_eq!(decrement_ttl(&mut [0x45; 19]), Err(TtlError::TooShort));
}

/// Also of headers whose checksum is wrong: it stays as wrong as it was, and has the form that the other edits give.
#[test]
fn a_hop_changes_each_checksum_as_the_general_sum_does() {
    let mut bytes = REQUEST.build(L4Checksum::Whole);
    for checksum in 0..=u16::MAX {
        bytes[8] = 64;
        bytes[10..12].copy_from_slice(&checksum.to_be_bytes());
        let word = |bytes: &[u8]| u16::from_be_bytes([bytes[8], bytes[9]]);
        let before = word(&bytes);
        assert_eq!(decrement_ttl(&mut bytes), Ok(()));
        let sum = Sum::from_checksum(checksum)
            .remove(before)
            .add(word(&bytes));
        assert_eq!(
            bytes[10..12],
            sum.checksum().to_be_bytes(),
            "{checksum:#06x}"
        );
    }
}

#[test]
fn a_header_whose_options_were_filled_in_gets_its_checksum() {
    // Record route with one free place, which the way in has filled.
    let mut header = [
        0x47, 0, 0, 40, 0, 1, 0, 0, 63, 17, 0xAB, 0xCD, 10, 0, 0, 2, 172, 16, 1, 2, 7, 7, 8, 10, 0,
        0, 1, 0,
    ];
    assert_eq!(options_v4(&header), Some(28));
    renew_header_checksum(&mut header).unwrap();
    assert_eq!(by_the_book(&header), 0);
    assert_eq!(options_v4(&[0x45]), None);
    assert_eq!(renew_header_checksum(&mut [0x46; 11]), Err(Error::TooShort));
}

#[test]
fn rfc_1624_section_4() {
    // The example in which RFC 1141 gives 0xFFFF: HC = 0xDD2F, m = 0x5555, m' = 0x3285.
    let sum = Sum::from_checksum(0xDD2F).remove(0x5555).add(0x3285);
    assert_eq!(sum.checksum(), 0x0000);
}

proptest! {
    #[test]
    fn sums_are_those_of_the_book(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        prop_assert_eq!(Sum::ZERO.add_bytes(&bytes).checksum(), by_the_book(&bytes));
    }

    #[test]
    fn pseudo_headers_are_sums_of_their_bytes(
        src in any::<[u8; 16]>(), dst in any::<[u8; 16]>(), protocol in any::<u8>(), len in any::<u32>(),
    ) {
        let tail = [&len.to_be_bytes()[..], &[0, 0, 0, protocol]].concat();
        for (family, size) in [(Family::V4, 4), (Family::V6, 16)] {
            let bytes = [&src[..size], &dst[..size], &tail].concat();
            let (src, dst) = (Addr::from_v6(src), Addr::from_v6(dst));
            let sum = Sum::ZERO.add_pseudo_header(family, src, dst, protocol, len);
            prop_assert_eq!(sum.partial(), !by_the_book(&bytes));
        }
    }

    #[test]
    fn corrected_is_computed(
        src in any::<[u8; 4]>(), dst in any::<[u8; 4]>(), to in any::<[u8; 4]>(),
        ports in any::<(u16, u16)>(), port in any::<u16>(), tcp in any::<bool>(), ttl in any::<u8>(),
        options in 0usize..=10, partial in any::<bool>(), request in any::<bool>(),
        payload in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let l4 = if partial { L4Checksum::PseudoHeader } else { L4Checksum::Whole };
        let protocol = if tcp { 6 } else { 17 };
        let before = Packet { src, dst, ports, protocol, options, ttl, payload: &payload };
        let mut bytes = before.build(l4);
        let (transport, addr) = (before.transport(), Addr::from_v4(to));
        let (result, after) = if request {
            let result = dnat_v4(&mut bytes, transport, protocol, addr, port, l4);
            (result, Packet { dst: to, ports: (ports.0, port), ..before })
        } else {
            let result = snat_v4(&mut bytes, transport, protocol, addr, port, l4);
            (result, Packet { src: to, ports: (port, ports.1), ..before })
        };
        prop_assert_eq!(result, Ok(Remaining::Nothing));
        prop_assert_eq!(bytes, after.build(l4));
    }

    #[test]
    fn no_bytes_break_it(
        mut bytes in proptest::collection::vec(any::<u8>(), 0..100), transport in any::<usize>(),
        near in 0usize..120, protocol in any::<u8>(),
    ) {
        for at in [transport, near] {
            for protocol in [protocol, 6, 17] {
                let _ = dnat_v4(&mut bytes, at, protocol, Addr::ZERO, 0, L4Checksum::Whole);
            }
        }
        let _ = decrement_ttl(&mut bytes);
    }
}
