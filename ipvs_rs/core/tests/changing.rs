// SPDX-License-Identifier: GPL-2.0

//! Packets that change between the look at them and the edit, as those of a packet socket can: no
//! offset that was once right is taken for right again.

use ipvs_core::addr::{Addr, Family};
use ipvs_core::flow::{Flow, Fragment, HeaderSource};
use ipvs_core::icmp::{to_client, to_server, Endpoint, Report};
use ipvs_core::nat::{dnat_v4, dnat_v6, options_v4, renew_header_checksum, snat_v4, L4Checksum};
use proptest::prelude::*;
use std::cell::Cell;

/// A packet of which each byte may be another at the next read.
struct Changing<'a> {
    versions: [&'a [u8]; 2],
    reads: Cell<usize>,
}

impl HeaderSource for Changing<'_> {
    fn bytes<'b>(&'b self, offset: usize, buf: &'b mut [u8]) -> Option<&'b [u8]> {
        let version = self.versions[self.reads.get() % 2];
        self.reads.set(self.reads.get() + 1);
        version.get(offset..)?.get(..buf.len())
    }
}

/// A TCP segment in an IPv4 packet whose header claims to have `words` words.
fn tcp(words: u8) -> Vec<u8> {
    let mut packet = vec![0; 40];
    packet[0] = 0x40 | words;
    packet[3] = 40;
    packet[8..10].copy_from_slice(&[64, 6]);
    packet[12..20].copy_from_slice(&[10, 0, 0, 2, 10, 0, 1, 1]);
    packet
}

const SERVER: [u8; 4] = [172, 16, 1, 2];

#[test]
fn a_header_that_grows_after_the_look_is_edited_where_it_was_or_not_at_all() {
    let flow = Flow::parse(&tcp(5)[..]).unwrap();
    let addr = Addr::from_v4(SERVER);
    let mut grown = tcp(15);
    let whole = L4Checksum::Whole;
    assert!(dnat_v4(&mut grown, flow.transport, flow.protocol, addr, 8080, whole).is_ok());
    // The ports that were seen, not what would be behind 60 bytes.
    assert_eq!(grown[22..24], 8080_u16.to_be_bytes());
    // Cut behind its first words, it stays as it was.
    let mut cut = grown[..30].to_vec();
    assert!(snat_v4(&mut cut, flow.transport, flow.protocol, addr, 80, whole).is_err());
    assert_eq!(cut, grown[..30]);
}

#[test]
fn a_checksum_of_the_header_is_of_what_is_there() {
    // The length is that of the first look; the bytes are those of the second.
    let length = options_v4(&tcp(15)).unwrap();
    let mut packet = tcp(5);
    assert_eq!(packet.get_mut(..length), None);
    assert!(renew_header_checksum(&mut packet[..20]).is_ok());
}

proptest! {
    #[test]
    fn what_was_read_of_another_packet_breaks_no_edit(
        seen in prop::collection::vec(any::<u8>(), 0..120),
        then in prop::collection::vec(any::<u8>(), 0..120),
        words in 5u8..16, kind in prop::sample::select(vec![0x45u8, 0x60]), source in any::<bool>(),
    ) {
        let version = |mut packet: Vec<u8>, first| {
            if let Some(byte) = packet.first_mut() {
                *byte = first;
            }
            packet
        };
        let seen = version(seen, if kind == 0x60 { kind } else { 0x40 | words });
        let mut then = version(then, kind);
        let before = then.len();
        let changing = Changing { versions: [&seen, &then], reads: Cell::new(0) };
        let (flow, report) = (Flow::parse(&changing), Report::parse(&changing));
        if let Ok(flow) = flow {
            let at = (flow.fragment != Fragment::Later).then_some(flow.transport);
            let (v4, v6) = (Addr::from_v4(SERVER), Addr::from_v6([0xFD; 16]));
            let _ = match flow.family {
                Family::V4 => dnat_v4(&mut then, flow.transport, flow.protocol, v4, 1, L4Checksum::Whole),
                Family::V6 => dnat_v6(&mut then, at, flow.protocol, v6, 1, L4Checksum::Whole),
            };
        }
        if let Ok(report) = report {
            let new = Endpoint { addr: Addr::from_v4(SERVER), port: 1 };
            let translate = if source { to_client } else { to_server };
            let _ = translate(&mut then, &report, new);
        }
        prop_assert_eq!(then.len(), before);
    }
}
