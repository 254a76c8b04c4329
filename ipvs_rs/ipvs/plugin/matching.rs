// SPDX-License-Identifier: GPL-2.0

//! What rules of netfilter may ask about packets: the module `xt_ipvs` asks here.

use ipvs_core::{
    flow::{Flow, Fragment, HeaderSource, Network, NotOurs},
    matching::Subject,
};
use knet::{net_namespace, netfilter::HookState, skbuff::Skb};

use crate::model::Ipvs;

/// A packet as a parser sees it.
struct Headers<'a>(&'a Skb);

impl HeaderSource for Headers<'_> {
    fn bytes<'b>(&'b self, offset: usize, buf: &'b mut [u8]) -> Option<&'b [u8]> {
        self.0.header(offset, buf)
    }
}

/// What rules may ask about a packet that IPVS has handled, and that is on its way to the server of its connection.
///
/// Such a packet has the addresses that it leaves with: with NAT the destination is the server, with other methods it is the
/// virtual service. Returns [`None`] for any other packet: a reply, the outer packet of a tunnel, a packet of no connection.
pub fn subject(packet: &Skb, context: &HookState<'_>) -> Option<Subject> {
    let headers = Headers(packet);
    let (flow, tuple) = match Flow::parse(&headers) {
        Ok(flow) => (flow, flow.tuple()),
        Err(NotOurs::Ipsec) => {
            let flow = Network::parse(&headers).ok()?.with_key_exchange();
            (flow, flow.key_exchange())
        }
        Err(_) => return None,
    };
    if flow.fragment == Fragment::Later {
        return None;
    }
    let ipvs = net_namespace::state::<Ipvs>(context.net, context.rcu)?;
    let conn = ipvs.get().conns.find_on_the_way(&tuple, context.rcu)?;
    Some(Subject {
        family: flow.family,
        protocol: flow.protocol,
        virtual_addr: conn.virtual_addr,
        virtual_port: conn.virtual_port,
        method: conn.method(),
        controller: conn.controller().map(|controller| controller.virtual_port),
    })
}
