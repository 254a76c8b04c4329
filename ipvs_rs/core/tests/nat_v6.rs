// SPDX-License-Identifier: GPL-2.0

//! Edits of IPv6 headers, compared with checksums computed from scratch.

use ipvs_core::addr::{Addr, Family};
use ipvs_core::checksum::Sum;
use ipvs_core::nat::{
    decrement_hop_limit, dnat_v6, snat_v6, Error, L4Checksum, Remaining, TtlError,
};
use proptest::prelude::*;

#[derive(Clone, Copy, Debug)]
struct Packet<'a> {
    src: [u8; 16],
    dst: [u8; 16],
    ports: (u16, u16),
    tcp: bool,
    extensions: usize,
    payload: &'a [u8],
}

impl Packet<'_> {
    const fn protocol(&self) -> u8 {
        match self.tcp {
            true => 6,
            false => 17,
        }
    }

    const fn transport(&self) -> usize {
        40 + 8 * self.extensions
    }

    /// The bytes, with the checksum from scratch.
    fn build(&self, l4: L4Checksum) -> Vec<u8> {
        let mut segment = [self.ports.0.to_be_bytes(), self.ports.1.to_be_bytes()].concat();
        let at = match self.tcp {
            true => {
                segment.extend([0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x18, 1, 0, 0, 0, 0, 0]);
                16
            }
            false => {
                segment.extend((self.payload.len() as u16 + 8).to_be_bytes());
                segment.extend([0, 0]);
                6
            }
        };
        segment.extend(self.payload);
        let (src, dst) = (Addr::from_v6(self.src), Addr::from_v6(self.dst));
        let len = segment.len() as u32;
        let pseudo = Sum::ZERO.add_pseudo_header(Family::V6, src, dst, self.protocol(), len);
        let checksum = match (l4, self.tcp) {
            (L4Checksum::PseudoHeader, _) => pseudo.partial(),
            (L4Checksum::Whole, true) => pseudo.add_bytes(&segment).checksum(),
            (L4Checksum::Whole, false) => pseudo.add_bytes(&segment).udp_checksum(),
        };
        segment[at..at + 2].copy_from_slice(&checksum.to_be_bytes());
        let mut header = vec![9; self.transport()];
        header[0] = 0x60;
        header[8..24].copy_from_slice(&self.src);
        header[24..40].copy_from_slice(&self.dst);
        [header, segment].concat()
    }
}

const REQUEST: Packet<'_> = Packet {
    src: [0x20; 16],
    dst: [0x21; 16],
    ports: (40000, 80),
    tcp: false,
    extensions: 0,
    payload: b"question",
};

#[test]
fn udp_without_a_checksum_is_to_get_one() {
    let mut bytes = REQUEST.build(L4Checksum::Whole);
    bytes[46..48].fill(0);
    let to = Addr::from_v6([0x22; 16]);
    let result = dnat_v6(&mut bytes, Some(40), 17, to, 8080, L4Checksum::Whole);
    assert_eq!(result, Ok(Remaining::UdpChecksum));
    assert_eq!(bytes[24..40], [0x22; 16]);
    assert_eq!(bytes[42..44], 8080_u16.to_be_bytes());
    assert_eq!(bytes[46..48], [0, 0]);
}

#[test]
fn the_checksum_of_sctp_is_about_ports_only() {
    let packet = [&REQUEST.build(L4Checksum::Whole)[..44], &[7; 20]].concat();
    let to = Addr::from_v6([0x22; 16]);
    for (port, l4, remaining) in [
        (8080, L4Checksum::Whole, Remaining::SctpChecksum),
        (80, L4Checksum::Whole, Remaining::Nothing),
        (8080, L4Checksum::PseudoHeader, Remaining::Nothing),
    ] {
        let mut bytes = packet.clone();
        let result = dnat_v6(&mut bytes, Some(40), 132, to, port, l4);
        assert_eq!(result, Ok(remaining));
        assert_eq!(bytes[24..40], [0x22; 16]);
        assert_eq!(bytes[42..44], u16::to_be_bytes(port));
        assert_eq!(
            bytes[44..],
            packet[44..],
            "the checksum is for others to do"
        );
    }
}

#[test]
fn a_later_fragment_gets_the_address_only() {
    let before = REQUEST.build(L4Checksum::Whole);
    let mut bytes = before.clone();
    let from = Addr::from_v6([0x23; 16]);
    let result = snat_v6(&mut bytes, None, 17, from, 53, L4Checksum::Whole);
    assert_eq!(result, Ok(Remaining::Nothing));
    assert_eq!(bytes[8..24], [0x23; 16]);
    assert_eq!(
        (&bytes[..8], &bytes[24..]),
        (&before[..8], &before[24..]),
        "nothing else has changed"
    );
}

#[test]
fn what_is_too_short_or_of_another_protocol_stays_as_it_was() {
    let whole = REQUEST.build(L4Checksum::Whole);
    for len in 0..48 {
        let mut bytes = whole[..len].to_vec();
        let result = dnat_v6(&mut bytes, Some(40), 17, Addr::ZERO, 1, L4Checksum::Whole);
        assert_eq!(result, Err(Error::TooShort));
        assert_eq!(bytes, whole[..len]);
    }
    let mut bytes = whole.clone();
    let result = dnat_v6(&mut bytes, Some(40), 50, Addr::ZERO, 1, L4Checksum::Whole);
    assert_eq!(result, Err(Error::Protocol(50)));
    assert_eq!(bytes, whole);
}

#[test]
fn every_hop_takes_one_from_the_hop_limit() {
    for limit in 0..=255u8 {
        let mut bytes = [limit; 8];
        let result = decrement_hop_limit(&mut bytes);
        match limit {
            0 | 1 => assert_eq!((result, bytes[7]), (Err(TtlError::Expired), limit)),
            _ => assert_eq!((result, bytes[7]), (Ok(()), limit - 1)),
        }
        assert_eq!(bytes[..7], [limit; 7]);
    }
    assert_eq!(decrement_hop_limit(&mut [9; 7]), Err(TtlError::TooShort));
}

proptest! {
    #[test]
    fn corrected_is_computed(
        src in any::<[u8; 16]>(), dst in any::<[u8; 16]>(), to in any::<[u8; 16]>(),
        ports in any::<(u16, u16)>(), port in any::<u16>(), tcp in any::<bool>(),
        extensions in 0usize..4, partial in any::<bool>(), request in any::<bool>(),
        payload in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let l4 = if partial { L4Checksum::PseudoHeader } else { L4Checksum::Whole };
        let before = Packet { src, dst, ports, tcp, extensions, payload: &payload };
        let mut bytes = before.build(l4);
        let (at, addr, protocol) = (Some(before.transport()), Addr::from_v6(to), before.protocol());
        let (result, after) = if request {
            let result = dnat_v6(&mut bytes, at, protocol, addr, port, l4);
            (result, Packet { dst: to, ports: (ports.0, port), ..before })
        } else {
            let result = snat_v6(&mut bytes, at, protocol, addr, port, l4);
            (result, Packet { src: to, ports: (port, ports.1), ..before })
        };
        prop_assert_eq!(result, Ok(Remaining::Nothing));
        prop_assert_eq!(bytes, after.build(l4));
    }

    #[test]
    fn no_bytes_break_it(
        mut bytes in proptest::collection::vec(any::<u8>(), 0..100), transport in any::<usize>(),
        near in 0usize..120,
    ) {
        for at in [None, Some(transport), Some(near)] {
            for protocol in [6, 17] {
                let _ = snat_v6(&mut bytes, at, protocol, Addr::ZERO, 0, L4Checksum::Whole);
            }
        }
        let _ = decrement_hop_limit(&mut bytes);
    }
}
