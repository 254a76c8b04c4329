// SPDX-License-Identifier: GPL-2.0

//! Services: what a request means, and the first fault of a bad one.

use crate::message::*;
use ipvs_core::addr::{Addr, Family};
use ipvs_core::config::request::{self};
use ipvs_core::config::*;
use ipvs_core::uapi::{self, dest as dst, service as svc};

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
