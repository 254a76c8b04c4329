// SPDX-License-Identifier: GPL-2.0

//! Any bytes as an ICMP error: its parts lie in it; translation changes the ends it should, and
//! leaves right checksums right and wrong ones as wrong as they were.

#![no_main]

use ipvs_core::addr::{Addr, Family};
use ipvs_core::icmp::{to_client, to_server, Endpoint, Report};
use ipvs_fuzz::packets::sums;
use ipvs_fuzz::Paged;
use libfuzzer_sys::fuzz_target;

/// Two chains of headers with the two halves of a fixed one each, the ICMP header, the ports.
const READS: usize = 2 * 19 + 2;

fuzz_target!(|data: &[u8]| {
    let paged = Paged::new(data);
    let parsed = Report::parse(&paged);
    assert_eq!(parsed, Report::parse(data), "in one piece and in many");
    assert!(paged.reads() <= READS, "{} reads", paged.reads());
    let Ok(report) = parsed else { return };
    // A quoted header of AH or ESP need not be there to its end: then an edit finds no room.
    if report.headers() > data.len() {
        assert!(!report.has_ports());
        return;
    }
    if report.has_ports() {
        assert_eq!(report.tuple().reversed(), report.about.tuple());
    }
    let family = report.outer.family;
    let new = Endpoint {
        addr: match family {
            Family::V4 => Addr::from_v4([192, 0, 2, 77]),
            Family::V6 => Addr::from_v6([0xFD; 16]),
        },
        port: 0xBEEF,
    };
    for server in [false, true] {
        let mut packet = data.to_vec();
        let translate = if server { to_server } else { to_client };
        translate(&mut packet[..report.headers()], &report, new).unwrap();
        let after = Report::parse(&packet[..]).unwrap();
        let (outer, about) = (after.outer, after.about);
        let (end, kept) = if server {
            (outer.dst, outer.src)
        } else {
            (outer.src, outer.dst)
        };
        let old = if server {
            report.outer.src
        } else {
            report.outer.dst
        };
        assert_eq!((end, kept), (new.addr, old), "outside");
        let inside = if server {
            (about.src, about.sport)
        } else {
            (about.dst, about.dport)
        };
        // AH and ESP have no ports to change.
        let port = if report.has_ports() {
            new.port
        } else {
            inside.1
        };
        assert_eq!(inside, (new.addr, port), "inside");
        assert_eq!(sums(data, &report), sums(&packet, &after), "checksums");
    }
});
