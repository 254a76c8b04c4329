// SPDX-License-Identifier: GPL-2.0

//! Netlink messages: what requests mean, which fault is reported, and how replies are laid out.

use ipvs_core::addr::{Addr, Family};
use ipvs_core::config::reply::{self, AttributeSink, DestView, Full, ServiceView};
use ipvs_core::config::request::{self, Request};
use ipvs_core::config::*;
use ipvs_core::conn::Method;
use ipvs_core::est::{Counters, Stats};
use ipvs_core::nla::{Attributes, Defect, Iter, Kind};
use ipvs_core::proto::Timeouts;
use ipvs_core::uapi::{self, daemon, dest as dst, service as svc, stats, top};
use proptest::prelude::*;

/// A message that grows in memory.
#[derive(Default)]
struct Message {
    bytes: Vec<u8>,
    /// Whether the machine needs numbers of 64 bits at aligned places.
    aligned: bool,
}

impl AttributeSink for Message {
    fn put(&mut self, kind: u16, payload: &[u8]) -> Result<(), Full> {
        let len = u16::try_from(payload.len() + 4).map_err(|_| Full)?;
        self.bytes.extend(len.to_ne_bytes());
        self.bytes.extend(kind.to_ne_bytes());
        self.bytes.extend(payload);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        Ok(())
    }

    fn put_u64(&mut self, kind: u16, value: u64, pad: u16) -> Result<(), Full> {
        if self.aligned && self.bytes.len() % 8 == 0 {
            self.put(pad, &[])?;
        }
        self.put(kind, &value.to_ne_bytes())
    }

    fn nest(
        &mut self,
        kind: u16,
        fill: impl FnOnce(&mut Self) -> Result<(), Full>,
    ) -> Result<(), Full> {
        let start = self.bytes.len();
        self.put(kind, &[])?;
        fill(self)?;
        let len = u16::try_from(self.bytes.len() - start).map_err(|_| Full)?;
        self.bytes[start..start + 2].copy_from_slice(&len.to_ne_bytes());
        Ok(())
    }
}

/// The bytes of some attributes.
fn message(attributes: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut out = Message::default();
    for (kind, payload) in attributes {
        out.put(*kind, payload).unwrap();
    }
    out.bytes
}

fn u16(kind: u16, value: u16) -> (u16, Vec<u8>) {
    (kind, value.to_ne_bytes().into())
}

fn be16(kind: u16, value: u16) -> (u16, Vec<u8>) {
    (kind, value.to_be_bytes().into())
}

fn u32(kind: u16, value: u32) -> (u16, Vec<u8>) {
    (kind, value.to_ne_bytes().into())
}

fn bytes(kind: u16, value: &[u8]) -> (u16, Vec<u8>) {
    (kind, value.into())
}

/// A change to a message: an attribute in place of the one of its type, or one less.
enum Edit {
    Set((u16, Vec<u8>)),
    Remove(u16),
}
use Edit::{Remove, Set};

fn edited(mut base: Vec<(u16, Vec<u8>)>, edits: Vec<Edit>) -> Vec<u8> {
    for edit in edits {
        match edit {
            Set((kind, payload)) => match base.iter_mut().find(|(k, _)| *k == kind) {
                Some(slot) => slot.1 = payload,
                None => base.push((kind, payload)),
            },
            Remove(kind) => base.retain(|(k, _)| *k != kind),
        }
    }
    message(&base)
}

const VIRTUAL: [u8; 4] = [207, 175, 44, 110];
const SERVER: [u8; 4] = [172, 16, 0, 2];

/// What ipvsadm sends for `-A -t 207.175.44.110:8080 -s rr`.
fn a_service() -> Vec<(u16, Vec<u8>)> {
    vec![
        u16(svc::AF, 2),
        u16(svc::PROTOCOL, 6),
        bytes(svc::ADDR, &VIRTUAL),
        be16(svc::PORT, 8080),
        bytes(svc::SCHED_NAME, b"rr\0"),
        bytes(svc::FLAGS, &[0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]),
        u32(svc::TIMEOUT, 0),
        bytes(svc::NETMASK, &[255; 4]),
    ]
}

/// What ipvsadm sends for `-r 172.16.0.2:8080 -m -w 3 -x 100 -y 50`.
fn a_dest() -> Vec<(u16, Vec<u8>)> {
    vec![
        bytes(dst::ADDR, &SERVER),
        be16(dst::PORT, 8080),
        u32(dst::FWD_METHOD, 0),
        u32(dst::WEIGHT, 3),
        u32(dst::U_THRESH, 100),
        u32(dst::L_THRESH, 50),
    ]
}

fn key() -> ServiceKey {
    ServiceKey::Address {
        family: Family::V4,
        protocol: 6,
        addr: Addr::from_v4(VIRTUAL),
        port: 8080,
    }
}

#[test]
fn a_whole_service_is_read() {
    let (read, spec) = request::service(&message(&a_service())).unwrap();
    assert_eq!(read, key());
    assert_eq!(spec.scheduler, Name::new(b"rr"));
    assert_eq!(spec.pe, None);
    assert_eq!((spec.flags.value, spec.flags.mask), (0, u32::MAX));
    assert_eq!((spec.timeout, spec.netmask), (0, Netmask([255; 4])));
}

#[test]
fn services_are_named_by_address_or_mark() {
    let v6 = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    for (sentence, edits, expected) in [
        ("an address", vec![], Ok(key())),
        (
            "an IPv6 address",
            vec![Set(u16(svc::AF, 10)), Set(bytes(svc::ADDR, &v6))],
            Ok(ServiceKey::Address {
                family: Family::V6,
                protocol: 6,
                addr: Addr::from_v6(v6),
                port: 8080,
            }),
        ),
        (
            "any protocol number",
            vec![Set(u16(svc::PROTOCOL, 999)), Set(be16(svc::PORT, 0))],
            Ok(ServiceKey::Address {
                family: Family::V4,
                protocol: 999,
                addr: Addr::from_v4(VIRTUAL),
                port: 0,
            }),
        ),
        (
            "a mark beats an address",
            vec![Set(u32(svc::FWMARK, 7))],
            Ok(ServiceKey::Mark {
                family: Family::V4,
                mark: 7,
            }),
        ),
        (
            "a mark needs no address",
            vec![
                Remove(svc::ADDR),
                Remove(svc::PORT),
                Remove(svc::PROTOCOL),
                Set(u32(svc::FWMARK, 7)),
            ],
            Ok(ServiceKey::Mark {
                family: Family::V4,
                mark: 7,
            }),
        ),
        (
            "mark 0 is TCP to nowhere",
            vec![Set(u16(svc::PROTOCOL, 17)), Set(u32(svc::FWMARK, 0))],
            Ok(ServiceKey::Address {
                family: Family::V4,
                protocol: 6,
                addr: Addr::ZERO,
                port: 0,
            }),
        ),
        (
            "scalars may be longer",
            vec![Set(bytes(svc::PORT, &[0x1F, 0x90, 1, 2]))],
            Ok(key()),
        ),
        ("no family", vec![Remove(svc::AF)], Err(Error::Missing)),
        (
            "no protocol",
            vec![Remove(svc::PROTOCOL)],
            Err(Error::Missing),
        ),
        ("no address", vec![Remove(svc::ADDR)], Err(Error::Missing)),
        ("no port", vec![Remove(svc::PORT)], Err(Error::Missing)),
        (
            "a bad family is noticed after a missing port",
            vec![Set(u16(svc::AF, 3)), Remove(svc::PORT)],
            Err(Error::Missing),
        ),
        (
            "a bad family",
            vec![Set(u16(svc::AF, 3))],
            Err(Error::UnsupportedFamily),
        ),
        (
            "a bad family and a mark",
            vec![Set(u16(svc::AF, 0)), Set(u32(svc::FWMARK, 1))],
            Err(Error::UnsupportedFamily),
        ),
        (
            "an address that is too long",
            vec![Set(bytes(svc::ADDR, &[1; 17]))],
            Err(Error::Malformed),
        ),
        (
            "a short port",
            vec![Set(bytes(svc::PORT, &[1]))],
            Err(Error::Malformed),
        ),
    ] {
        let nest = edited(a_service(), edits);
        assert_eq!(request::service_key(&nest), expected, "{sentence}");
        assert_eq!(
            request::service(&nest).map(|(key, _)| key),
            expected,
            "{sentence}"
        );
    }
}

#[test]
fn an_ipv4_address_is_four_bytes_of_what_was_sent() {
    let mut long = VIRTUAL.to_vec();
    long.extend([0xA5; 12]);
    let service = edited(a_service(), vec![Set(bytes(svc::ADDR, &long))]);
    assert_eq!(request::service_key(&service), Ok(key()));
    let dest = edited(a_dest(), vec![Set(bytes(dst::ADDR, &long))]);
    let dest = request::dest_key(&dest, Family::V4).unwrap();
    assert_eq!(dest.addr, Addr::from_v4(VIRTUAL));
}

#[test]
fn the_first_fault_of_a_service_is_reported() {
    for (sentence, edits, fault) in [
        (
            "no scheduler",
            vec![Remove(svc::SCHED_NAME)],
            Error::Missing,
        ),
        ("no flags", vec![Remove(svc::FLAGS)], Error::Missing),
        ("no timeout", vec![Remove(svc::TIMEOUT)], Error::Missing),
        ("no netmask", vec![Remove(svc::NETMASK)], Error::Missing),
        (
            "a bad family before no scheduler",
            vec![Set(u16(svc::AF, 3)), Remove(svc::SCHED_NAME)],
            Error::UnsupportedFamily,
        ),
        (
            "a scheduler name without an end",
            vec![Set(bytes(svc::SCHED_NAME, b"rr"))],
            Error::Malformed,
        ),
        (
            "a scheduler name of 16 characters",
            vec![Set(bytes(svc::SCHED_NAME, b"0123456789abcdef\0"))],
            Error::Malformed,
        ),
        (
            "a name of 17 characters for a persistence engine",
            vec![Set(bytes(svc::PE_NAME, b"0123456789abcdefg\0"))],
            Error::Malformed,
        ),
        (
            "too many flags",
            vec![Set(bytes(svc::FLAGS, &[0; 9]))],
            Error::Malformed,
        ),
        (
            "what is malformed is found before what is missing",
            vec![Remove(svc::AF), Set(bytes(svc::TIMEOUT, &[0; 3]))],
            Error::Malformed,
        ),
    ] {
        let nest = edited(a_service(), edits);
        assert_eq!(request::service(&nest), Err(fault), "{sentence}");
    }
}

#[test]
fn names_and_flags_of_a_service() {
    let spec = |edits| request::service(&edited(a_service(), edits)).unwrap().1;
    let none = spec(vec![Set(bytes(svc::SCHED_NAME, b"none\0"))]);
    assert_eq!(none.scheduler, None);
    let long = spec(vec![Set(bytes(svc::SCHED_NAME, b"0123456789abcde\0"))]);
    assert_eq!(long.scheduler, Name::new(b"0123456789abcde"));
    let empty = spec(vec![Set(bytes(svc::PE_NAME, b"\0"))]);
    assert_eq!(empty.pe, None);
    let sip = spec(vec![Set(bytes(svc::PE_NAME, b"sip\0"))]);
    assert_eq!(sip.pe, Name::new(b"sip"));
    let short = spec(vec![Set(bytes(svc::FLAGS, &0xFFFF_FFFFu32.to_ne_bytes()))]);
    assert_eq!(short.flags.mask, 0, "missing bytes are zero");
}

#[test]
fn flags_change_where_the_mask_says() {
    for (old, value, mask, new) in [
        (0x0, 0x1, u32::MAX, 0x1),
        (0x1, 0x4, 0x4, 0x5),
        (0x5, 0x0, 0x1, 0x4),
        (0x5, 0xFF, 0x0, 0x5),
        (0x0, u32::MAX, u32::MAX, !uapi::service_flags::HASHED),
    ] {
        assert_eq!(FlagChange { value, mask }.apply(old), new);
    }
}

#[test]
fn ipv6_needs_a_prefix_of_1_to_128() {
    for (family, number, result) in [
        (Family::V4, 0, Ok(())),
        (Family::V4, u32::MAX, Ok(())),
        (Family::V6, 0, Err(Error::Prefix)),
        (Family::V6, 1, Ok(())),
        (Family::V6, 128, Ok(())),
        (Family::V6, 129, Err(Error::Prefix)),
        (Family::V6, u32::MAX, Err(Error::Prefix)),
    ] {
        assert_eq!(Netmask(number.to_ne_bytes()).check(family), result);
    }
}

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

#[test]
fn a_request_has_nests_and_timeouts() {
    let nest = message(&a_service());
    let full = message(&[(top::SERVICE | 0x8000, nest.clone()), bytes(99, b"new")]);
    let request = Request::parse(&full).unwrap();
    assert_eq!(request.service(), Ok(&nest[..]));
    assert_eq!(request.dest(), Err(Error::Missing));
    assert_eq!(request.daemon(), Err(Error::Missing));
    let bad = message(&[bytes(top::TIMEOUT_TCP, &[1, 2, 3])]);
    assert_eq!(
        Request::parse(&bad).map(|_| ()),
        Err(Error::Attribute(Defect::Range))
    );
}

#[test]
fn timeouts_change_where_they_are_not_zero() {
    let change = |attributes: &[(u16, Vec<u8>)]| {
        let bytes = message(attributes);
        let change = Request::parse(&bytes).unwrap().timeouts(250)?;
        let new = change.apply(Timeouts::DEFAULT);
        Ok((new.tcp_established, new.tcp_fin_wait, new.udp))
    };
    assert_eq!(change(&[]), Ok((900, 120, 300)));
    assert_eq!(
        change(&[u32(top::TIMEOUT_TCP, 10), u32(top::TIMEOUT_UDP, 0)]),
        Ok((10, 120, 300))
    );
    let max = i32::MAX as u32 / 250;
    assert_eq!(
        change(&[u32(top::TIMEOUT_TCP_FIN, max)]),
        Ok((900, max, 300))
    );
    for bad in [max + 1, 0x8000_0000, u32::MAX] {
        assert_eq!(
            change(&[u32(top::TIMEOUT_TCP, 1), u32(top::TIMEOUT_UDP, bad)]),
            Err(Error::Timeout)
        );
    }
}

#[test]
fn daemons_are_read_and_told() {
    let base = || {
        vec![
            u32(daemon::STATE, 1),
            bytes(daemon::MCAST_IFN, b"eth0\0"),
            u32(daemon::SYNC_ID, 5),
            u16(daemon::SYNC_MAXLEN, 1400),
            u16(daemon::MCAST_PORT, 8848),
            bytes(daemon::MCAST_TTL, &[3]),
            bytes(daemon::MCAST_GROUP, &[224, 0, 0, 81]),
        ]
    };
    for (edits, fault) in [
        (vec![Remove(daemon::STATE)], Error::Missing),
        (vec![Remove(daemon::MCAST_IFN)], Error::Missing),
        (vec![Remove(daemon::SYNC_ID)], Error::Missing),
        (
            vec![Set(bytes(daemon::MCAST_GROUP, &[10, 0, 0, 1]))],
            Error::NotMulticast,
        ),
        (
            vec![
                Remove(daemon::MCAST_GROUP),
                Set(bytes(daemon::MCAST_GROUP6, &[0xFE; 16])),
            ],
            Error::NotMulticast,
        ),
        (
            vec![Set(bytes(daemon::MCAST_GROUP6, &[0xFF; 15]))],
            Error::Malformed,
        ),
    ] {
        assert_eq!(request::daemon(&edited(base(), edits)), Err(fault));
    }
    let nest = message(&base());
    assert_eq!(request::daemon_role(&nest), Ok(DaemonRole::Master));
    for (state, role) in [
        (0, Err(Error::DaemonRole)),
        (1, Ok(DaemonRole::Master)),
        (2, Ok(DaemonRole::Backup)),
        (3, Err(Error::DaemonRole)),
    ] {
        let nest = edited(base(), vec![Set(u32(daemon::STATE, state))]);
        assert_eq!(request::daemon(&nest).unwrap().role(), role);
        assert_eq!(request::daemon_role(&nest), role);
    }
    let mut out = Message::default();
    reply::daemon(&mut out, &request::daemon(&nest).unwrap()).unwrap();
    assert_eq!(out.bytes, message(&[(top::DAEMON, nest)]));
}

fn some_stats() -> Stats {
    Stats {
        counters: Counters {
            conns: 0x1_0000_0001,
            inpkts: 2,
            outpkts: 3,
            inbytes: 0x4_0000_0004,
            outbytes: 5,
        },
        cps: 6,
        inpps: 7,
        outpps: 8,
        inbps: 9,
        outbps: 0x1_0000_000A,
    }
}

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

#[test]
fn kinds_reject_what_the_kernel_rejects() {
    let range = Err(Defect::Range);
    let unterminated = Err(Defect::Unterminated);
    for (kind, payload, result) in [
        (Kind::U16, &b"\0"[..], range),
        (Kind::U16, b"\0\0", Ok(())),
        (Kind::U16, b"\0\0\0\0\0", Ok(())),
        (Kind::U8, b"", range),
        (Kind::U32, b"\0\0\0", range),
        (Kind::Binary(2), b"", Ok(())),
        (Kind::Binary(2), b"12", Ok(())),
        (Kind::Binary(2), b"123", range),
        (Kind::AtLeast(2), b"1", range),
        (Kind::AtLeast(2), b"123", Ok(())),
        (Kind::Nested, b"", Ok(())),
        (Kind::Nested, b"123", range),
        (Kind::Nested, b"1234", Ok(())),
        (Kind::Any, b"", Ok(())),
        (Kind::NulString(3), b"", unterminated),
        (Kind::NulString(3), b"\0", Ok(())),
        (Kind::NulString(3), b"abc", unterminated),
        (Kind::NulString(3), b"abc\0", Ok(())),
        (Kind::NulString(3), b"abcd\0", unterminated),
        (Kind::NulString(3), b"a\0\0\0", Ok(())),
        (Kind::NulString(3), b"a\0cd", range),
        (Kind::NulString(3), b"a\0\0\0\0", range),
    ] {
        assert_eq!(kind.check(payload), result, "{kind:?} {payload:?}");
    }
}

#[test]
fn attributes_end_at_the_first_impossible_length() {
    let good = message(&[bytes(1, b"abc"), bytes(2, b"")]);
    for (tail, count) in [
        (&[][..], 2),
        (&[0, 0, 3, 0], 2),
        (&[3, 0, 3, 0], 2),
        (&[9, 0, 3, 0, 1, 2, 3, 4], 2),
        (&[4, 0, 3], 2),
        (&[4, 0, 3, 0], 3),
        (&[5, 0, 3, 0, 1], 3),
    ] {
        let bytes = [&good[..], tail].concat();
        assert_eq!(Iter::new(&bytes).count(), count, "{tail:?}");
    }
}

#[test]
fn the_last_attribute_of_a_type_counts_and_the_first_fault() {
    let policy = [Kind::U16, Kind::NulString(3)];
    let bytes_ = message(&[u16(1, 1), u16(1 | 0x4000, 2), u16(0, 3), u16(3, 4)]);
    let attributes = Attributes::parse(&bytes_, &policy).unwrap();
    assert_eq!(attributes.u16(1), Some(2));
    assert_eq!((attributes.u16(0), attributes.u16(3)), (None, None));
    let bytes_ = message(&[bytes(2, b"no end"), bytes(1, b"")]);
    assert_eq!(
        Attributes::parse(&bytes_, &policy).map(|_| ()),
        Err(Defect::Unterminated)
    );
}

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
        let _ = Request::parse(&bytes);
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
