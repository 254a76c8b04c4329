// SPDX-License-Identifier: GPL-2.0

//! Any bytes as a packet: what is read of it lies in it, is little, and is all that counts; a
//! packet written from what was read is read as the same.

#![no_main]

use ipvs_core::flow::{ipsec, Flow, Fragment, Network, NotOurs};
use ipvs_core::proto::{sctp::Event, UDP};
use ipvs_fuzz::packets::written;
use ipvs_fuzz::Paged;
use libfuzzer_sys::fuzz_target;

/// The two halves of the fixed header, at most 17 extension headers, and the ports.
const READS: usize = 20;

fuzz_target!(|data: &[u8]| {
    let paged = Paged::new(data);
    let parsed = Flow::parse(&paged);
    assert_eq!(parsed, Flow::parse(data), "in one piece and in many");
    assert!(paged.reads() <= READS, "{} reads", paged.reads());
    if parsed == Err(NotOurs::Ipsec) {
        rides(data);
    }
    let Ok(flow) = parsed else { return };
    assert_eq!(
        Flow::parse(paged.seen()),
        parsed,
        "only what was read counts"
    );
    if flow.fragment == Fragment::Later {
        assert_eq!((flow.sport, flow.dport), (0, 0));
        let event = Event::of_flow(&flow, data);
        assert_eq!((flow.tcp_flags(data), event), (None, None));
    } else {
        let ports = [flow.sport.to_be_bytes(), flow.dport.to_be_bytes()].concat();
        assert_eq!(data[flow.transport..][..4], ports[..]);
        let flags = data.get(flow.transport..).filter(|rest| rest.len() >= 20);
        assert_eq!(flow.tcp_flags(data), flags.map(|header| header[13]));
        let _ = Event::of_flow(&flow, data);
    }
    let (packet, transport) = written(&flow);
    assert_eq!(Flow::parse(&packet[..]), Ok(Flow { transport, ..flow }));
});

/// A packet of AH or ESP: it has the ends of its key exchange, and its own protocol.
fn rides(data: &[u8]) {
    let network = Network::parse(data).expect("a packet");
    assert!(ipsec::rides(network.protocol));
    let flow = network.with_key_exchange();
    assert_eq!(
        (flow.protocol, flow.transport),
        (network.protocol, network.transport)
    );
    let exchange = flow.key_exchange();
    assert_eq!((exchange.src, exchange.dst), (network.src, network.dst));
    assert_eq!(
        (exchange.sport, exchange.dport, exchange.protocol),
        (500, 500, UDP)
    );
}
