// SPDX-License-Identifier: GPL-2.0

//! Outer headers, byte by byte.

use ipvs_core::addr::{Addr, Family};
use ipvs_core::config::Tunnel;
use ipvs_core::flow::{Fragment, Network};
use ipvs_core::tunnel::{
    gue, inner_mtu, write_v4, write_v6, Inner, Outer, RemoteChecksum, Wrapping,
};
use proptest::prelude::*;

const fn tunnel(kind: u8, flags: u16) -> Tunnel {
    Tunnel {
        kind,
        port: 5555,
        flags,
    }
}

#[test]
fn wrappings_are_those_of_the_configuration() {
    let gue = |checksum, remote| Wrapping::Gue {
        port: 5555,
        checksum,
        remote,
    };
    for (kind, flags, wrapping, length, partial, protocol) in [
        (0, 0, Wrapping::Ip, 0, 0, 4),
        (0, 3, Wrapping::Ip, 0, 0, 4),
        (7, 0, Wrapping::Ip, 0, 0, 4),
        (1, 0, gue(false, false), 12, 12, 17),
        (1, 1, gue(true, false), 12, 12, 17),
        (1, 2, gue(true, true), 12, 20, 17),
        (1, 3, gue(true, true), 12, 20, 17),
        (2, 0, Wrapping::Gre { checksum: false }, 4, 4, 47),
        (2, 1, Wrapping::Gre { checksum: true }, 8, 8, 47),
        (2, 2, Wrapping::Gre { checksum: false }, 4, 4, 47),
    ] {
        let found = Wrapping::of(tunnel(kind, flags));
        assert_eq!(found, wrapping);
        assert_eq!((found.length(false), found.length(true)), (length, partial));
        assert_eq!(found.protocol(Family::V4), protocol);
    }
    assert_eq!(Wrapping::Ip.protocol(Family::V6), 41);
}

#[test]
fn a_tunnel_leaves_room_or_is_of_no_use() {
    for (mtu, outer, overhead, inner) in [
        (1500, Family::V4, 20, Some(1480)),
        (88, Family::V4, 20, Some(68)),
        (87, Family::V4, 20, None),
        (1500, Family::V6, 40, Some(1460)),
        (1320, Family::V6, 40, Some(1280)),
        (1319, Family::V6, 40, None),
        (10, Family::V4, 20, None),
    ] {
        assert_eq!(inner_mtu(mtu, outer, overhead), inner, "{mtu}");
    }
}

#[test]
fn gue_headers_are_those_of_the_draft() {
    let mut bytes = [0xAA; 4];
    assert_eq!(gue(&mut bytes, Family::V4, None), Some(()));
    assert_eq!(bytes, [0, 4, 0, 0]);
    let mut bytes = [0xAA; 12];
    let remote = RemoteChecksum {
        start: 20,
        field: 36,
    };
    assert_eq!(gue(&mut bytes, Family::V6, Some(remote)), Some(()));
    assert_eq!(bytes, [2, 41, 0, 1, 0x80, 0, 0, 0, 0, 20, 0, 36]);
    for (len, remote) in [(3, None), (5, None), (4, Some(remote)), (13, Some(remote))] {
        assert_eq!(gue(&mut vec![0; len], Family::V4, remote), None);
    }
}

#[test]
fn congestion_is_told_once() {
    for (inner, outer) in [
        (0x00, 0x00),
        (0xB8, 0xB8),
        (0xB9, 0xB9),
        (0xBA, 0xBA),
        (0xBB, 0xBA),
    ] {
        let outer_header = Outer {
            src: Addr::ZERO,
            dst: Addr::ZERO,
            protocol: 4,
            inner: Inner {
                tos: inner,
                hops: 9,
                dont_fragment: false,
            },
        };
        let mut v4 = [0; 20];
        write_v4(&mut v4, &outer_header, 20, 0).unwrap();
        assert_eq!(v4[1], outer);
        let mut v6 = [0; 40];
        write_v6(&mut v6, &outer_header, 0).unwrap();
        assert_eq!((v6[0] << 4) | (v6[1] >> 4), outer);
        let read = |family, header: &[u8]| Inner::read(family, header).unwrap().tos;
        assert_eq!(
            (read(Family::V4, &v4), read(Family::V6, &v6)),
            (outer, outer)
        );
    }
}

#[test]
fn a_length_that_does_not_fit_is_left_to_segmentation() {
    let outer = Outer {
        src: Addr::ZERO,
        dst: Addr::ZERO,
        protocol: 4,
        inner: Inner {
            tos: 0,
            hops: 1,
            dont_fragment: true,
        },
    };
    for (length, written) in [(65535, [255, 255]), (65536, [0, 0]), (200_000, [0, 0])] {
        let mut v4 = [0; 20];
        write_v4(&mut v4, &outer, length, 0).unwrap();
        assert_eq!(v4[2..4], written);
        let mut v6 = [0; 40];
        write_v6(&mut v6, &outer, length).unwrap();
        assert_eq!(v6[4..6], written);
    }
    assert_eq!(write_v4(&mut [0; 19], &outer, 20, 0), None);
    assert_eq!(write_v6(&mut [0; 39], &outer, 20), None);
}

proptest! {
    #[test]
    fn a_tunnel_fits_one_word(kind in any::<u8>(), port in any::<u16>(), flags in any::<u16>()) {
        let tunnel = Tunnel { kind, port, flags };
        prop_assert_eq!(Tunnel::from_bits(tunnel.to_bits()), tunnel);
    }

    #[test]
    fn what_is_written_is_what_is_read(
        src in any::<[u8; 16]>(), dst in any::<[u8; 16]>(), tos in any::<u8>(), hops in any::<u8>(),
        dont_fragment in any::<bool>(), length in 20u16..1500, ident in any::<u16>(),
    ) {
        let inner = Inner { tos: tos & !3, hops, dont_fragment };
        let (src4, dst4) = ([src[0], src[1], src[2], src[3]], [dst[0], dst[1], dst[2], dst[3]]);
        let (src4, dst4) = (Addr::from_v4(src4), Addr::from_v4(dst4));
        let mut v4 = [0; 24];
        let outer = Outer { src: src4, dst: dst4, protocol: 17, inner };
        write_v4(&mut v4, &outer, length.into(), ident).unwrap();
        let network = Network::parse(&v4[..]).unwrap();
        prop_assert_eq!((network.src, network.dst, network.protocol), (src4, dst4, 17));
        prop_assert_eq!((network.fragment, network.end), (Fragment::Whole, length.into()));
        prop_assert_eq!(Inner::read(Family::V4, &v4), Some(inner));
        prop_assert_eq!(v4[4..6].to_vec(), ident.to_be_bytes().to_vec());

        let (src6, dst6) = (Addr::from_v6(src), Addr::from_v6(dst));
        let mut v6 = [0; 48];
        write_v6(&mut v6, &Outer { src: src6, dst: dst6, protocol: 17, inner }, length.into()).unwrap();
        let network = Network::parse(&v6[..]).unwrap();
        prop_assert_eq!((network.src, network.dst, network.protocol), (src6, dst6, 17));
        prop_assert_eq!(network.end, usize::from(length) + 40);
        let read = Inner { dont_fragment: false, ..inner };
        prop_assert_eq!(Inner::read(Family::V6, &v6), Some(read));
    }
}
