// SPDX-License-Identifier: GPL-2.0

//! The first packet of a connection: which service it is for, and which server gets it.

use core::sync::atomic::Ordering::Relaxed;
use ipvs_core::{
    flow::Flow,
    plan::{self, Opening},
    proto,
};
use kernel::prelude::*;
use knet::{
    log,
    netfilter::{Context, Verdict},
    rcu::{Arc, Ref},
    skbuff::{IcmpError, Skb},
};

use super::{request, Headers};
use crate::{
    conn::{table::Way, Conn},
    dest::Dest,
    netns::Ipvs,
    pool::Pool,
    scheduler::Kind,
};

/// The port from which FTP servers open data connections; they are nobody's clients.
const FTP_DATA: u16 = 20;

/// Decides about a packet that belongs to no connection.
pub(super) fn first_packet(
    ipvs: Ref<'_, Ipvs>,
    skb: Skb,
    flow: &Flow,
    context: &Context<'_>,
) -> Verdict {
    let sloppy_tcp = ipvs.settings.sloppy_tcp.load(Relaxed) != 0;
    match plan::opening(flow, &Headers(&skb), sloppy_tcp) {
        Opening::Allowed => {}
        Opening::Refused => return Verdict::Accept(skb),
        Opening::Unreadable => return Verdict::Drop(skb),
    }
    let services = &ipvs.get().services;
    let Some(service) = services.of_packet(flow, skb.mark(), context.rcu) else {
        return Verdict::Accept(skb);
    };
    if flow.sport == FTP_DATA {
        return Verdict::Accept(skb);
    }
    let Some(pool) = service.get().pool.load(context.rcu) else {
        return Verdict::Drop(skb);
    };
    let Some(member) = pool.get().schedule(flow) else {
        complain(pool.get(), flow);
        skb.send_icmp_v4(IcmpError::PortUnreachable);
        return Verdict::Drop(skb);
    };
    match connect(ipvs, &member.0, flow, context) {
        Some(conn) => {
            service.stats.count_connection();
            member.stats.count_connection();
            ipvs.stats.count_connection();
            request(ipvs.get(), &conn, skb, flow, context)
        }
        // Another packet of the same client was faster, or there is no room.
        None => match ipvs.get().conns.find(&flow.tuple(), context.rcu) {
            Some((conn, Way::Request)) => request(ipvs.get(), conn.get(), skb, flow, context),
            _ => Verdict::Drop(skb),
        },
    }
}

/// Makes a connection to `dest`, found by the packets that come after this one.
fn connect(
    ipvs: Ref<'_, Ipvs>,
    dest: &Arc<Dest>,
    flow: &Flow,
    context: &Context<'_>,
) -> Option<Arc<Conn>> {
    let conns = &ipvs.get().conns;
    // CAST: The sysctl accepts no negative number.
    if !conns.reserve(ipvs.settings.conn_max.load(Relaxed) as usize) {
        return None;
    }
    let server_port = match dest.key.port {
        0 => flow.dport,
        port => port,
    };
    let make = || {
        let conn = Conn::new(
            ipvs.try_clone()?,
            dest.clone(),
            &flow.tuple(),
            server_port,
            None,
        )
        .ok()?;
        dest.bind();
        let inserted = conns.insert(&conn, context.rcu);
        if inserted.is_none() {
            dest.unbind(false);
        }
        inserted.map(|()| conn)
    };
    let made = make();
    if made.is_none() {
        conns.release();
    }
    made
}

/// Logs that a service has no server for a packet.
#[cold]
fn complain(pool: &Pool, flow: &Flow) {
    if !log::ratelimit() {
        return;
    }
    let protocol = match flow.protocol {
        proto::TCP => "TCP",
        _ => "UDP",
    };
    let [a, b, c, d] = flow.dst.v4();
    let port = flow.dport;
    if let Some(name) = pool.scheduler().map(Kind::name) {
        pr_err!("{name}: {protocol} {a}.{b}.{c}.{d}:{port} - no destination available\n");
    }
}
