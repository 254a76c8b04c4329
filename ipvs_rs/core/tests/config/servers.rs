// SPDX-License-Identifier: GPL-2.0

//! Servers: what a request means, and the first fault of a bad one.

use crate::message::*;
use ipvs_core::addr::{Addr, Family};
use ipvs_core::config::request::{self};
use ipvs_core::config::*;
use ipvs_core::conn::Method;
use ipvs_core::uapi::dest as dst;

#[test]
fn a_whole_server_is_read() {
    let nest = edited(
        a_dest(),
        vec![
            Set(u32(dst::FWD_METHOD, 0xFFFF_FFFA)),
            Set(bytes(dst::TUN_TYPE, &[1])),
            Set(be16(dst::TUN_PORT, 6080)),
            Set(u16(dst::TUN_FLAGS, 2)),
        ],
    );
    let (key, spec) = request::dest(&nest, Family::V4, true).unwrap();
    assert_eq!(
        key,
        DestKey {
            family: Family::V4,
            addr: Addr::from_v4(SERVER),
            port: 8080
        }
    );
    assert_eq!(spec.method(), Method::Tunnel, "only three bits count");
    assert_eq!((spec.weight(), spec.upper(), spec.lower()), (3, 100, 50));
    let tunnel = spec.tunnel();
    assert_eq!((tunnel.kind, tunnel.port, tunnel.flags), (1, 6080, 2));
    assert_eq!(request::dest_key(&nest, Family::V4), Ok(key));
}

#[test]
fn the_first_fault_of_a_server_is_reported() {
    let v6 = || Set(u16(dst::ADDR_FAMILY, 10));
    let negative = || Set(u32(dst::WEIGHT, u32::MAX));
    for (sentence, edits, syncing, result) in [
        ("none", vec![], false, Ok(())),
        (
            "family 0 is that of the service",
            vec![Set(u16(dst::ADDR_FAMILY, 0))],
            true,
            Ok(()),
        ),
        (
            "no address",
            vec![Remove(dst::ADDR)],
            false,
            Err(Error::Missing),
        ),
        (
            "no port",
            vec![Remove(dst::PORT)],
            false,
            Err(Error::Missing),
        ),
        (
            "no method",
            vec![Remove(dst::FWD_METHOD)],
            false,
            Err(Error::Missing),
        ),
        (
            "no weight",
            vec![Remove(dst::WEIGHT)],
            false,
            Err(Error::Missing),
        ),
        (
            "no upper",
            vec![Remove(dst::U_THRESH)],
            false,
            Err(Error::Missing),
        ),
        (
            "no lower",
            vec![Remove(dst::L_THRESH)],
            false,
            Err(Error::Missing),
        ),
        (
            "a bad family after a missing weight",
            vec![Set(u16(dst::ADDR_FAMILY, 7)), Remove(dst::WEIGHT)],
            false,
            Err(Error::Missing),
        ),
        (
            "a bad family before a bad weight",
            vec![Set(u16(dst::ADDR_FAMILY, 7)), negative()],
            false,
            Err(Error::UnsupportedFamily),
        ),
        (
            "another family by NAT, before a bad weight",
            vec![v6(), negative()],
            false,
            Err(Error::MixedFamilies),
        ),
        (
            "another family by tunnel",
            vec![v6(), Set(u32(dst::FWD_METHOD, 2))],
            false,
            Ok(()),
        ),
        (
            "another family by tunnel while a daemon runs",
            vec![v6(), Set(u32(dst::FWD_METHOD, 2))],
            true,
            Err(Error::MixedFamilies),
        ),
        (
            "weight -1",
            vec![negative()],
            false,
            Err(Error::NegativeWeight),
        ),
        (
            "the greatest weight",
            vec![Set(u32(dst::WEIGHT, 0x7FFF_FFFF))],
            false,
            Ok(()),
        ),
        (
            "the greatest thresholds",
            vec![
                Set(u32(dst::U_THRESH, 0x7FFF_FFFF)),
                Set(u32(dst::L_THRESH, 0x7FFF_FFFF)),
            ],
            false,
            Ok(()),
        ),
        (
            "an upper threshold beyond",
            vec![Set(u32(dst::U_THRESH, 0x8000_0000))],
            false,
            Err(Error::UpperThreshold),
        ),
        (
            "a lower threshold above the upper one",
            vec![Set(u32(dst::L_THRESH, 101))],
            false,
            Err(Error::LowerThreshold),
        ),
        (
            "a negative weight before both",
            vec![
                negative(),
                Set(u32(dst::U_THRESH, 0x8000_0000)),
                Set(u32(dst::L_THRESH, 0x8000_0001)),
            ],
            false,
            Err(Error::NegativeWeight),
        ),
        (
            "a lower threshold above an upper threshold beyond",
            vec![
                Set(u32(dst::U_THRESH, 0x8000_0000)),
                Set(u32(dst::L_THRESH, 0x8000_0001)),
            ],
            false,
            Err(Error::LowerThreshold),
        ),
        (
            "only a lower threshold",
            vec![Set(u32(dst::U_THRESH, 0))],
            false,
            Err(Error::LowerThreshold),
        ),
        (
            "GUE without a port",
            vec![Set(bytes(dst::TUN_TYPE, &[1]))],
            false,
            Err(Error::TunnelPort),
        ),
        (
            "an unknown tunnel",
            vec![Set(bytes(dst::TUN_TYPE, &[77]))],
            false,
            Ok(()),
        ),
    ] {
        let nest = edited(a_dest(), edits);
        let read = request::dest(&nest, Family::V4, syncing);
        assert_eq!(read.map(|_| ()), result, "{sentence}");
    }
}
