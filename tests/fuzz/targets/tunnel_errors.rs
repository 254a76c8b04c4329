// SPDX-License-Identifier: GPL-2.0

//! Any bytes as an ICMP error about the packet of a tunnel: its parts lie in it; what is inside is
//! read as it is on its own; and a packet that is wrapped by us and quoted is read as what it was.

#![no_main]

use ipvs_core::addr::Family;
use ipvs_core::flow::ipsec;
use ipvs_core::flow::Network;
use ipvs_core::icmp::tunnel::{told_mtu, ClientError, Layer, TunnelReport};
use ipvs_core::icmp::Report;
use ipvs_core::tunnel::{Inner, Wrapping};
use ipvs_fuzz::packets::wrapped;
use ipvs_fuzz::Paged;
use libfuzzer_sys::fuzz_target;

/// Three chains of headers with the two halves of a fixed one each, the ICMP header, what is between
/// the outer packet and the inner one, the ports, the flags.
const READS: usize = 3 * 19 + 4;

fuzz_target!(|data: &[u8]| {
    let paged = Paged::new(data);
    let parsed = TunnelReport::parse(&paged);
    assert_eq!(
        parsed,
        TunnelReport::parse(data),
        "in one piece and in many"
    );
    assert!(paged.reads() <= READS, "{} reads", paged.reads());
    let Ok(report) = parsed else { return };
    assert!(report.message() < report.embedded && report.embedded < report.inner);
    // The quoted packet itself has no ports, or those of UDP around GUE.
    match (Report::parse(data), report.layer) {
        (Ok(other), Layer::Gue { port }) => assert_eq!(other.about.dport, port),
        (other, _) => assert!(other.is_err()),
    }
    let (quoted, inner) = (&data[report.embedded..], &data[report.inner..]);
    let network = Network::parse(quoted).expect("a packet is quoted");
    assert_eq!(network.dst, report.server);
    let inside = Network::parse(inner).expect("a packet is inside");
    let about = report.about;
    assert_eq!((inside.src, inside.dst), (about.src, about.dst));
    if !ipsec::rides(about.protocol) {
        let ports = [about.sport.to_be_bytes(), about.dport.to_be_bytes()].concat();
        assert_eq!(inner[about.transport..][..4], ports[..]);
    }
    match report.client_error() {
        ClientError::TooBig { overhead, mtu } => {
            assert_eq!(overhead as usize, report.inner - report.embedded);
            let told = told_mtu(about.family, mtu, overhead);
            assert!(told == mtu.wrapping_sub(overhead) || told == 68 || told == 1280);
        }
        _ => assert!(report.mtu().is_none() || about.family == Family::V4),
    }
    let wrapping = match report.layer {
        Layer::Ip => Wrapping::Ip,
        Layer::Gre => Wrapping::Gre { checksum: false },
        Layer::Gue { port } => Wrapping::Gue {
            port,
            checksum: false,
            remote: false,
        },
    };
    assert!(report.layer.is_of(wrapping));
    let family = report.outer.family;
    let fields = Inner::read(about.family, inner).expect("a header that was read already");
    let mut header = wrapped(family, wrapping, (about.family, fields), None, inner.len());
    let behind = header.len();
    match report.layer {
        Layer::Ip => {}
        Layer::Gre => {
            let kind: u16 = match about.family {
                Family::V4 => 0x0800,
                Family::V6 => 0x86DD,
            };
            header[behind - 2..].copy_from_slice(&kind.to_be_bytes());
        }
        Layer::Gue { port } => header[behind - 10..behind - 8].copy_from_slice(&port.to_be_bytes()),
    }
    let again = [&data[..report.embedded], &header, inner].concat();
    let again = TunnelReport::parse(&again[..]).expect("a packet of ours");
    let wanted = TunnelReport {
        server: again.server,
        inner: report.embedded + behind,
        ..report
    };
    assert_eq!(again, wanted);
});
