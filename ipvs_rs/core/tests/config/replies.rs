// SPDX-License-Identifier: GPL-2.0

//! How services, servers and settings are told.

use crate::message::*;
use ipvs_core::addr::{Addr, Family};
use ipvs_core::config::reply::{self, DestView, ServiceView};
use ipvs_core::config::*;
use ipvs_core::conn::Method;
use ipvs_core::nla::Iter;
use ipvs_core::proto::Timeouts;
use ipvs_core::uapi::{dest as dst, service as svc, stats, top};

fn stats_nests(mixed: u16, wide: u16) -> [(u16, Vec<u8>); 2] {
    let u64 = |kind, value: u64| (kind, value.to_ne_bytes().to_vec());
    [
        (
            mixed,
            message(&[
                u32(stats::CONNS, 1),
                u32(stats::INPKTS, 2),
                u32(stats::OUTPKTS, 3),
                u64(stats::INBYTES, 0x4_0000_0004),
                u64(stats::OUTBYTES, 5),
                u32(stats::CPS, 6),
                u32(stats::INPPS, 7),
                u32(stats::OUTPPS, 8),
                u32(stats::INBPS, 9),
                u32(stats::OUTBPS, 0xA),
            ]),
        ),
        (
            wide,
            message(&[
                u64(stats::CONNS, 0x1_0000_0001),
                u64(stats::INPKTS, 2),
                u64(stats::OUTPKTS, 3),
                u64(stats::INBYTES, 0x4_0000_0004),
                u64(stats::OUTBYTES, 5),
                u64(stats::CPS, 6),
                u64(stats::INPPS, 7),
                u64(stats::OUTPPS, 8),
                u64(stats::INBPS, 9),
                u64(stats::OUTBPS, 0x1_0000_000A),
            ]),
        ),
    ]
}

fn service_view() -> ServiceView {
    ServiceView {
        key: key(),
        scheduler: Name::new(b"rr"),
        pe: None,
        flags: 0x5,
        timeout: 300,
        netmask: Netmask([255, 255, 255, 0]),
        stats: some_stats(),
    }
}

#[test]
fn services_are_told_in_the_order_of_the_c_module() {
    let address = [
        u16(svc::AF, 2),
        u16(svc::PROTOCOL, 6),
        bytes(svc::ADDR, &Addr::from_v4(VIRTUAL).octets()),
        be16(svc::PORT, 8080),
    ];
    let mark = [u16(svc::AF, 10), u32(svc::FWMARK, 7)];
    let rest = [
        bytes(svc::FLAGS, &{
            let mut flags = 0x7u32.to_ne_bytes().to_vec();
            flags.extend([0xFF; 4]);
            flags
        }),
        u32(svc::TIMEOUT, 300),
        bytes(svc::NETMASK, &[255, 255, 255, 0]),
    ];
    let stats = stats_nests(svc::STATS, svc::STATS64);
    let rr = [bytes(svc::SCHED_NAME, b"rr\0")];
    let none_sip = [
        bytes(svc::SCHED_NAME, b"none\0"),
        bytes(svc::PE_NAME, b"sip\0"),
    ];

    let mut out = Message::default();
    reply::service(&mut out, &service_view()).unwrap();
    let expected = message(&[&address[..], &rr, &rest, &stats].concat());
    assert_eq!(out.bytes, message(&[(top::SERVICE, expected)]));

    let mut out = Message::default();
    let view = ServiceView {
        key: ServiceKey::from_mark(Family::V6, 7),
        scheduler: None,
        pe: Name::new(b"sip"),
        ..service_view()
    };
    reply::service_attributes(&mut out, &view).unwrap();
    assert_eq!(
        out.bytes,
        message(&[&mark[..], &none_sip, &rest, &stats].concat())
    );
}

#[test]
fn servers_are_told_in_the_order_of_the_c_module() {
    let tunnel = Tunnel {
        kind: 1,
        port: 6080,
        flags: 2,
    };
    let view = DestView {
        key: DestKey {
            family: Family::V4,
            addr: Addr::from_v4(SERVER),
            port: 8080,
        },
        spec: DestSpec::new(Method::Tunnel, 3, 100, 50, tunnel).unwrap(),
        active: 4,
        total: 10,
        persistent: 1,
        stats: some_stats(),
    };
    let expected = [
        bytes(dst::ADDR, &Addr::from_v4(SERVER).octets()),
        be16(dst::PORT, 8080),
        u32(dst::FWD_METHOD, 2),
        u32(dst::WEIGHT, 3),
        bytes(dst::TUN_TYPE, &[1]),
        be16(dst::TUN_PORT, 6080),
        u16(dst::TUN_FLAGS, 2),
        u32(dst::U_THRESH, 100),
        u32(dst::L_THRESH, 50),
        u32(dst::ACTIVE_CONNS, 4),
        u32(dst::INACT_CONNS, 6),
        u32(dst::PERSIST_CONNS, 1),
        u16(dst::ADDR_FAMILY, 2),
    ];
    let stats = stats_nests(dst::STATS, dst::STATS64);
    let mut out = Message::default();
    reply::dest(&mut out, &view).unwrap();
    let nest = message(&[&expected[..], &stats].concat());
    assert_eq!(out.bytes, message(&[(top::DEST, nest)]));

    // A count that fell between the two reads is no great number.
    let mut out = Message::default();
    let view = DestView { total: 3, ..view };
    reply::dest_attributes(&mut out, &view).unwrap();
    let read = Iter::new(&out.bytes).find(|(kind, _)| *kind == dst::INACT_CONNS);
    assert_eq!(read.unwrap().1, [0; 4]);
}

#[test]
fn settings_are_told() {
    let mut out = Message::default();
    reply::timeouts(&mut out, &Timeouts::DEFAULT).unwrap();
    assert_eq!(
        out.bytes,
        message(&[
            u32(top::TIMEOUT_TCP, 900),
            u32(top::TIMEOUT_TCP_FIN, 120),
            u32(top::TIMEOUT_UDP, 300)
        ])
    );
    let mut out = Message::default();
    reply::info(&mut out, 4096).unwrap();
    assert_eq!(out.bytes, message(&[u32(1, 0x010201), u32(2, 4096)]));
}

#[test]
fn numbers_of_64_bits_are_aligned_where_the_machine_needs_it() {
    let mut out = Message {
        aligned: true,
        ..Message::default()
    };
    reply::service(&mut out, &service_view()).unwrap();
    let base = out.bytes.as_ptr() as usize;
    let (_, service) = Iter::new(&out.bytes).next().unwrap();
    let (_, wide) = Iter::new(service)
        .find(|(kind, _)| *kind == svc::STATS64)
        .unwrap();
    let mut numbers = 0;
    for (kind, payload) in Iter::new(wide) {
        if kind != stats::PAD {
            assert_eq!((payload.as_ptr() as usize - base) % 8, 0);
            numbers += 1;
        }
    }
    assert_eq!(numbers, 10);
}
