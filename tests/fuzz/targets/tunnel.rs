// SPDX-License-Identifier: GPL-2.0

//! Any packet in any tunnel: the outer header that is written reads as what was asked for, and
//! behind all headers is the packet as it was.

#![no_main]

use ipvs_core::addr::Family;
use ipvs_core::checksum::Sum;
use ipvs_core::config::Tunnel;
use ipvs_core::flow::{Fragment, Network};
use ipvs_core::tunnel::{header, inner_mtu, Inner, RemoteChecksum, Wrapping};
use ipvs_fuzz::packets::{value, wrapped};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|packet: &[u8]| {
    // From the end of the packet, so that there are all kinds.
    let Some(&[kind, flags, partial, m0, m1]) = packet.last_chunk() else {
        return;
    };
    let (kind, flags, mtu) = (kind & 3, u16::from(flags), u16::from_be_bytes([m0, m1]));
    let port = 6080;
    let wrapping = Wrapping::of(Tunnel { kind, port, flags });
    let Ok(inside) = Network::parse(packet) else {
        return;
    };
    let inner = Inner::read(inside.family, packet).expect("a header that was read already");
    let remote = matches!(wrapping, Wrapping::Gue { remote: true, .. }) && partial & 1 != 0;
    let (start, field) = (20, 36);
    let remote = remote.then_some(RemoteChecksum { start, field });
    for family in [Family::V4, Family::V6] {
        let at = header(family) as usize;
        let mut whole = wrapped(
            family,
            wrapping,
            (inside.family, inner),
            remote,
            packet.len(),
        );
        let headers = whole.len();
        if let Wrapping::Gue { .. } = wrapping {
            let options = usize::from(whole[at + 8] & 31) * 4;
            assert_eq!(at + 12 + options, headers, "where the packet begins");
            assert_eq!(whole[at + 9], Wrapping::Ip.protocol(inside.family));
        }
        let again = Inner::read(family, &whole).unwrap();
        assert_eq!((again.hops, again.tos >> 2), (inner.hops, inner.tos >> 2));
        whole.extend(packet);
        let found = Network::parse(&whole[..]).unwrap();
        assert_eq!(found.protocol, wrapping.protocol(inside.family));
        assert_eq!((found.fragment, found.transport), (Fragment::Whole, at));
        assert_eq!(found.end, whole.len());
        if family == Family::V4 {
            assert_eq!(value(Sum::ZERO.add_bytes(&whole[..at])), 0);
        }
        let room = inner_mtu(mtu.into(), family, headers as u32);
        assert!(room.is_none_or(|room| room as usize + headers == usize::from(mtu)));
    }
});
