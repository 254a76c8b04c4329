// SPDX-License-Identifier: GPL-2.0

//! The structures of the sockopt interface, to the byte.

use ipvs_core::addr::{Addr, Family};
use ipvs_core::config::reply::{DestView, ServiceView};
use ipvs_core::config::{
    DestKey, DestSpec, Error, Name, Netmask, NominalTarget, ServiceKey, Tunnel,
};
use ipvs_core::conn::Method;
use ipvs_core::est::{Counters, Stats};
use ipvs_core::proto::Timeouts;
use ipvs_core::sockopt::request::{self, Service};
use ipvs_core::sockopt::{reply, set, set_length, size};
use proptest::prelude::*;

/// TCP 10.0.1.1:80, scheduler wlc, persistent for 300 s, 255.255.255.0; little-endian.
const SERVICE: [u8; 44] =
    *b"\x06\0\0\0\x0a\0\x01\x01\0\x50\0\0\0\0\0\0wlc\0\0\0\0\0\0\0\0\0\0\0\0\0\
    \x01\0\0\0\x2c\x01\0\0\xff\xff\xff\0";
/// 172.16.1.2:8080, direct routing, weight 7, thresholds 9 and 3.
const DEST: [u8; 24] = *b"\xac\x10\x01\x02\x1f\x90\0\0\x03\0\0\0\x07\0\0\0\x09\0\0\0\x03\0\0\0";

fn changed<const N: usize>(mut bytes: [u8; N], offset: usize, new: &[u8]) -> [u8; N] {
    bytes[offset..offset + new.len()].copy_from_slice(new);
    bytes
}

fn web() -> ServiceKey {
    ServiceKey::Address {
        family: Family::V4,
        protocol: 6,
        addr: Addr::from_v4([10, 0, 1, 1]),
        port: 80,
    }
}

#[test]
fn a_service_is_read() {
    let service = Service::read(&SERVICE).unwrap();
    assert_eq!(service.key(), web());
    let spec = service.spec().unwrap();
    assert_eq!(spec.scheduler, Name::new(b"wlc"));
    assert_eq!(
        (spec.timeout, spec.netmask),
        (300, Netmask([255, 255, 255, 0]))
    );
    assert_eq!(spec.flags.apply(0xFFFF_FFFF), 1);
    assert_eq!(service.check_protocol(), Ok(()));
    assert!(!service.is_blank());
}

#[test]
fn a_mark_hides_address_and_port() {
    let service = Service::read(&changed(SERVICE, 12, &[5, 0, 0, 0])).unwrap();
    let mark = ServiceKey::Mark {
        family: Family::V4,
        mark: 5,
    };
    assert_eq!(service.key(), mark);
    assert_eq!(service.protocol(), 6);
    // They are kept, and shown to who asks by the same interface.
    let nominal = NominalTarget {
        protocol: 6,
        addr: Addr::from_v4([10, 0, 1, 1]),
        port: 80,
    };
    assert_eq!(service.spec().unwrap().nominal, nominal);
}

#[test]
fn protocols_are_checked_as_whole_numbers() {
    for (protocol, outcome) in [
        (6, Ok(())),
        (17, Ok(())),
        (132, Ok(())),
        (0, Err(Error::Protocol)),
        (51, Err(Error::Protocol)),
        (0x106, Err(Error::Protocol)),
    ] {
        let service = Service::read(&changed(SERVICE, 0, &u16::to_ne_bytes(protocol))).unwrap();
        assert_eq!(service.check_protocol(), outcome, "{protocol}");
    }
}

#[test]
fn names_of_schedulers_need_an_end() {
    for (name, outcome) in [
        (b"aaaaaaaaaaaaaaaa", Err(Error::Malformed)),
        (b"aaaaaaaaaaaaaaa\0", Ok(Name::new(b"aaaaaaaaaaaaaaa"))),
        (b"none\0\0\0\0\0\0\0\0\0\0\0\0", Ok(None)),
        (b"\0rr\0\0\0\0\0\0\0\0\0\0\0\0\0", Ok(Name::new(b""))),
    ] {
        let service = Service::read(&changed(SERVICE, 16, name)).unwrap();
        assert_eq!(service.scheduler(), outcome);
    }
}

#[test]
fn a_server_is_read() {
    let key = DestKey {
        family: Family::V4,
        addr: Addr::from_v4([172, 16, 1, 2]),
        port: 8080,
    };
    assert_eq!(request::dest_key(&DEST), Ok(key));
    let spec = request::dest(&DEST).unwrap();
    assert_eq!(spec.method(), Method::DirectRoute);
    assert_eq!((spec.weight(), spec.upper(), spec.lower()), (7, 9, 3));
    let own = request::dest(&changed(DEST, 8, &[3, 0x20, 1, 0])).unwrap();
    assert_eq!(
        (own.method(), own.conn_flags()),
        (Method::DirectRoute, 0x1_2003)
    );
    let negative = request::dest(&changed(DEST, 12, &[0xFF; 4]));
    assert_eq!(negative, Err(Error::NegativeWeight));
}

#[test]
fn a_daemon_needs_an_interface_with_a_name() {
    let right = *b"\x02\0\0\0eth0\0\0\0\0\0\0\0\0\0\0\0\0\x07\0\0\0";
    let spec = request::daemon(&right).unwrap();
    assert_eq!((spec.state, spec.sync_id), (2, 7));
    assert_eq!(Some(spec.interface), Name::new(b"eth0"));
    for name in [[0; 16], [b'e'; 16]] {
        assert_eq!(
            request::daemon(&changed(right, 4, &name)),
            Err(Error::Malformed)
        );
    }
}

#[test]
fn options_have_one_length() {
    assert_eq!(set_length(set::ADD), Some(44));
    assert_eq!(set_length(set::EDIT_DEST), Some(68));
    assert_eq!(set_length(set::FLUSH), Some(0));
    for nothing in [0, 1, 6, 13, 14, 16] {
        assert_eq!(set_length(nothing), None);
    }
}

fn stats() -> Stats {
    Stats {
        counters: Counters {
            conns: 0x1_0000_0001,
            inpkts: 2,
            outpkts: 3,
            inbytes: 0x1_0000_0004,
            outbytes: 5,
        },
        cps: 6,
        inpps: 7,
        outpps: 8,
        inbps: 9,
        outbps: 10,
    }
}

const STATS: [u8; 56] =
    *b"\x01\0\0\0\x02\0\0\0\x03\0\0\0\0\0\0\0\x04\0\0\0\x01\0\0\0\x05\0\0\0\0\0\0\0\
    \x06\0\0\0\x07\0\0\0\x08\0\0\0\x09\0\0\0\x0a\0\0\0\0\0\0\0";

#[test]
fn a_service_is_written() {
    let view = ServiceView {
        key: web(),
        scheduler: Name::new(b"wlc"),
        pe: None,
        flags: 1,
        timeout: 300,
        netmask: Netmask([255, 255, 255, 0]),
        stats: stats(),
    };
    let web_nominal = Service::read(&SERVICE).unwrap().spec().unwrap().nominal;
    let entry = reply::service([0; size::SERVICE_ENTRY], &view, &web_nominal, 2);
    let nominal = changed(SERVICE, 32, &[3]);
    assert_eq!(entry[..44], nominal);
    assert_eq!(entry[44..48], [2, 0, 0, 0]);
    assert_eq!(entry[48..], STATS);
    assert_eq!(request::service_key(&entry), Some(web()));
    let over = reply::service([0xA5; size::SERVICE_ENTRY], &view, &web_nominal, 2);
    let kept = (0..size::SERVICE_ENTRY).filter(|&at| over[at] != entry[at]);
    let unused = [2..4, 10..12, 20..32, 60..64, 100..104];
    assert!(kept.eq(unused.into_iter().flatten()));
}

#[test]
fn a_server_is_written() {
    let view = DestView {
        key: request::dest_key(&DEST).unwrap(),
        spec: DestSpec::new(Method::DirectRoute, 7, 9, 3, Tunnel::default()).unwrap(),
        active: 4,
        total: 6,
        persistent: 1,
        stats: stats(),
    };
    let entry = reply::dest(&view, 0x183);
    assert_eq!(entry[..24], changed(DEST, 8, &[0x83, 1]));
    assert_eq!(entry[24..40], *b"\x04\0\0\0\x02\0\0\0\x01\0\0\0\0\0\0\0");
    assert_eq!(entry[40..], STATS);
}

#[test]
fn texts_and_numbers_are_written() {
    let (text, length) = reply::version(256);
    assert_eq!(
        &text[..length],
        b"IP Virtual Server version 1.2.1 (size=256)\0"
    );
    assert!(reply::version(u32::MAX).1 < size::VERSION);
    assert_eq!(reply::info(256, 2), *b"\x01\x02\x01\0\0\x01\0\0\x02\0\0\0");
    let timeouts = Timeouts {
        tcp_established: 1,
        tcp_fin_wait: 2,
        udp: 3,
    };
    let bytes = reply::timeouts(&timeouts);
    let change = request::timeouts(&bytes, 250).unwrap();
    assert_eq!(change.apply(Timeouts::DEFAULT), timeouts);
    assert_eq!(request::timeouts(&[0xFF; 12], 250), Err(Error::Timeout));
}

proptest! {
    #[test]
    fn no_bytes_break_it(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
        if let Ok(service) = Service::read(&bytes) {
            let _ = (service.key(), service.check_protocol(), service.spec());
        }
        let _ = request::dest_key(&bytes);
        let _ = request::dest(&bytes);
        let _ = request::daemon(&bytes);
        let _ = request::timeouts(&bytes, 250);
        let _ = request::count(&bytes, 16);
    }
}
