// SPDX-License-Identifier: GPL-2.0

//! No bytes break it, and what is told can be read again.

use crate::message::*;
use ipvs_core::addr::{Addr, Family};
use ipvs_core::config::reply::{self, DestView, ServiceView};
use ipvs_core::config::request::{self, TopLevel};
use ipvs_core::config::*;
use ipvs_core::conn::Method;
use ipvs_core::uapi;
use proptest::prelude::*;

/// A family and one of its addresses.
fn addrs() -> impl Strategy<Value = (Family, Addr)> {
    prop_oneof![
        any::<[u8; 4]>().prop_map(|octets| (Family::V4, Addr::from_v4(octets))),
        any::<[u8; 16]>().prop_map(|octets| (Family::V6, Addr::from_v6(octets))),
    ]
}

fn names() -> impl Strategy<Value = Option<Name>> {
    proptest::option::of(
        "[a-z_]{1,15}"
            .prop_filter("none is no name", |name| name != "none")
            .prop_map(|name| Name::new(name.as_bytes()).unwrap()),
    )
}

proptest! {
    #[test]
    fn no_bytes_break_it(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = TopLevel::parse(&bytes);
        let _ = request::service(&bytes);
        let _ = request::dest(&bytes, Family::V4, false);
        let _ = request::daemon(&bytes);
    }

    #[test]
    fn no_damage_breaks_it(at in 0usize..200, byte in any::<u8>(), len in 0usize..200) {
        for base in [a_service(), a_dest()] {
            let mut bytes = message(&base);
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
            bytes.truncate(len);
            let _ = request::service(&bytes);
            let _ = request::dest(&bytes, Family::V6, false);
        }
    }

    #[test]
    fn what_is_told_of_a_service_adds_the_same_service(
        (family, addr) in addrs(), mark in any::<u32>(), aligned in any::<bool>(),
        protocol in any::<u16>(), port in any::<u16>(), flags in any::<u32>(),
        timeout in any::<u32>(), netmask in any::<[u8; 4]>(), scheduler in names(), pe in names(),
    ) {
        let key = match mark % 2 {
            0 => ServiceKey::from_mark(family, mark),
            _ => ServiceKey::Address { family, protocol, addr, port },
        };
        let view = ServiceView {
            key, scheduler, pe, flags, timeout,
            netmask: Netmask(netmask),
            stats: some_stats(),
        };
        let mut out = Message { aligned, ..Message::default() };
        reply::service_attributes(&mut out, &view).unwrap();
        let (read, spec) = request::service(&out.bytes).unwrap();
        prop_assert_eq!(read, key);
        prop_assert_eq!((spec.scheduler, spec.pe), (scheduler, pe));
        prop_assert_eq!(spec.flags.apply(0), flags & !uapi::service_flags::HASHED);
        prop_assert_eq!((spec.timeout, spec.netmask), (timeout, Netmask(netmask)));
    }

    #[test]
    fn what_is_told_of_a_server_adds_the_same_server(
        (family, addr) in addrs(), port in any::<u16>(), method in 0u32..8,
        weight in 0..=i32::MAX, upper in 0..=i32::MAX as u32, lower in any::<u32>(),
        kind in any::<u8>(), tunnel_port in 1u16.., tunnel_flags in any::<u16>(),
    ) {
        let tunnel = Tunnel { kind, port: tunnel_port, flags: tunnel_flags };
        let lower = lower % (upper + 1);
        let view = DestView {
            key: DestKey { family, addr, port },
            spec: DestSpec::new(Method::from_bits(method), weight, upper, lower, tunnel).unwrap(),
            active: 0, total: 0, persistent: 0,
            stats: some_stats(),
        };
        let mut out = Message::default();
        reply::dest_attributes(&mut out, &view).unwrap();
        prop_assert_eq!(request::dest(&out.bytes, family, false), Ok((view.key, view.spec)));
    }
}
