// SPDX-License-Identifier: GPL-2.0

//! Whole requests, timeouts and daemons.

use crate::message::*;
use ipvs_core::config::reply::{self};
use ipvs_core::config::request::{self, TopLevel};
use ipvs_core::config::*;
use ipvs_core::nla::Defect;
use ipvs_core::proto::Timeouts;
use ipvs_core::uapi::{daemon, top};

#[test]
fn a_request_has_nests_and_timeouts() {
    let nest = message(&a_service());
    let full = message(&[(top::SERVICE | 0x8000, nest.clone()), bytes(99, b"new")]);
    let request = TopLevel::parse(&full).unwrap();
    assert_eq!(request.service(), Ok(&nest[..]));
    assert_eq!(request.dest(), Err(Error::Missing));
    assert_eq!(request.daemon(), Err(Error::Missing));
    let bad = message(&[bytes(top::TIMEOUT_TCP, &[1, 2, 3])]);
    assert_eq!(
        TopLevel::parse(&bad).map(|_| ()),
        Err(Error::Attribute(Defect::Range))
    );
}

#[test]
fn timeouts_change_where_they_are_not_zero() {
    let change = |attributes: &[(u16, Vec<u8>)]| {
        let bytes = message(attributes);
        let change = TopLevel::parse(&bytes).unwrap().timeouts(250)?;
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
