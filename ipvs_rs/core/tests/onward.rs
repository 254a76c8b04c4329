// SPDX-License-Identifier: GPL-2.0

//! The edits of a forwarded packet in one go leave the bytes that the single edits leave.

use ipvs_core::addr::Addr;
use ipvs_core::nat::{
    decrement_hop_limit, decrement_ttl, dnat_v4, dnat_v6, onward_v4, onward_v6, snat_v4, snat_v6,
    Error, L4Checksum, Remaining, Side,
};
use proptest::prelude::*;

type Done = (Vec<u8>, Result<Remaining, Error>);

fn in_steps(
    mut packet: Vec<u8>,
    side: Side,
    protocol: u8,
    to: (Addr, u16),
    l4: L4Checksum,
    is_v6: bool,
) -> Done {
    let (addr, port) = to;
    let before = packet.clone();
    let hops = if is_v6 {
        decrement_hop_limit(&mut packet)
    } else {
        decrement_ttl(&mut packet)
    };
    if hops.is_err() {
        return (before, Err(Error::TooShort));
    }
    let done = match (is_v6, side) {
        (false, Side::Source) => snat_v4(&mut packet, 20, protocol, addr, port, l4),
        (false, Side::Destination) => dnat_v4(&mut packet, 20, protocol, addr, port, l4),
        (true, Side::Source) => snat_v6(&mut packet, Some(40), protocol, addr, port, l4),
        (true, Side::Destination) => dnat_v6(&mut packet, Some(40), protocol, addr, port, l4),
    };
    match done {
        Ok(_) => (packet, done),
        Err(_) => (before, done),
    }
}

fn at_once(
    mut packet: Vec<u8>,
    side: Side,
    protocol: u8,
    to: (Addr, u16),
    l4: L4Checksum,
    is_v6: bool,
) -> Done {
    let done = match is_v6 {
        false => onward_v4(&mut packet, side, protocol, to, l4),
        true => onward_v6(&mut packet, side, protocol, to, l4),
    };
    (packet, done)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn one_go_is_as_good_as_two(
        is_v6 in any::<bool>(),
        side in prop_oneof![Just(Side::Source), Just(Side::Destination)],
        protocol in prop_oneof![Just(6u8), Just(17), Just(132), any::<u8>()],
        // Zeros and ones at the edges of one's complement as often as not.
        bytes in proptest::collection::vec(prop_oneof![Just(0u8), Just(0xFF), any::<u8>()], 0..70),
        hops in 2u8..,
        addr in prop_oneof![Just([0u8; 16]), Just([0xFF; 16]), any::<[u8; 16]>()],
        port in any::<u16>(),
        l4 in prop_oneof![Just(L4Checksum::Whole), Just(L4Checksum::PseudoHeader)],
    ) {
        let mut packet = bytes;
        if let Some(place) = packet.get_mut(if is_v6 { 7 } else { 8 }) {
            *place = hops;
        }
        let addr = match is_v6 {
            true => Addr::from_v6(addr),
            false => Addr::from_v4(*addr.first_chunk().unwrap()),
        };
        let expected = in_steps(packet.clone(), side, protocol, (addr, port), l4, is_v6);
        let found = at_once(packet, side, protocol, (addr, port), l4, is_v6);
        prop_assert_eq!(&found.0, &expected.0);
        // Of several reasons to refuse a packet either may be told.
        prop_assert_eq!(found.1.ok(), expected.1.ok());
    }
}
