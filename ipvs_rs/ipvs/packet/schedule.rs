// SPDX-License-Identifier: GPL-2.0

//! The first packet of a connection: which service it is for, and which server gets it.

use ipvs_core::{
    config::ServiceKey,
    conn::ConnFlags,
    flow::{Flow, FlowDirection},
    icmp::Report,
    plan::lookup::{FTP, FTP_DATA},
    proto,
};
use knet::{
    netfilter::{HookState, Verdict},
    rcu::Ref,
    skbuff::{IcmpError, Skb},
};

use super::{
    account, bypass,
    choice::{connect, schedule, ChosenServer, NotScheduled},
    complaint,
    icmp::relay,
    persist, request,
    xmit::{self, leave::answer},
};
use crate::model::{
    conn::{announce::announce_controllers, table::TableKey, Conn, FirstPacket, Refused, Target},
    drops::Reason,
    pool::{Pool, ServiceSettings},
    service::Service,
    Ipvs,
};

/// The packet that opens a connection.
#[derive(Clone, Copy)]
enum Opener<'a> {
    /// A packet of the client.
    Packet,
    /// An error about a packet of the server.
    Error(&'a Report),
}

/// Opens a connection for a packet of a client that belongs to none, if there is a service for it.
pub(super) fn opened_by_packet(
    ipvs: Ref<'_, Ipvs>,
    skb: Skb,
    (flow, key): (&Flow, &TableKey),
    context: &HookState<'_>,
) -> Verdict {
    if ipvs.get().conns.expects_any() {
        match Conn::claim(ipvs, key, context.rcu) {
            Ok(None) => {}
            Ok(Some(conn)) => return request::forward(ipvs.get(), conn, skb, flow, context),
            Err(reason) => return ipvs.drop_packet(skb, reason),
        }
    }
    open(ipvs, skb, (flow, key), Opener::Packet, context)
}

/// Opens a connection for an ICMP error about a packet that belongs to none, if there is a service for the packets that
/// the error answers.
pub(super) fn opened_by_error(
    ipvs: Ref<'_, Ipvs>,
    skb: Skb,
    report: &Report,
    context: &HookState<'_>,
) -> Verdict {
    let cause = Opener::Error(report);
    let flow = report.counterpart();
    let key = ipvs.get().conns.key(flow.tuple());
    open(ipvs, skb, (&flow, &key), cause, context)
}

/// Opens a connection for packets like `flow`, if there is a service for them.
#[inline]
fn open(
    ipvs: Ref<'_, Ipvs>,
    mut skb: Skb,
    (flow, key): (&Flow, &TableKey),
    cause: Opener<'_>,
    context: &HookState<'_>,
) -> Verdict {
    let services = &ipvs.get().services;
    let Some(service) = services.of_packet(flow, skb.mark(), context.net, context.rcu) else {
        return Verdict::Accept(skb);
    };
    if ipvs.drop_packet.drops() {
        return ipvs.drop_packet(skb, Reason::DropPacket);
    }
    if flow.sport == FTP_DATA {
        return Verdict::Accept(skb);
    }
    // Once, so that all that is decided about a packet is decided by one state of the service. Without
    // a pool it was just deleted.
    let Some(pool) = service.get().pool.load(context.rcu) else {
        return ipvs.drop_packet(skb, Reason::ServiceDeleted);
    };
    let settings = pool.settings();
    let chosen = match settings.is_persistent() {
        true => {
            let packet = (&mut skb, flow, matches!(cause, Opener::Error(_)));
            persist::choose(ipvs, service.get(), pool, packet, context)
        }
        false => choose(service.get(), pool, flow, context),
    };
    let choice = match chosen {
        Ok(choice) => choice,
        Err(NotScheduled::NoServer) => match bypass::choose(ipvs.get(), service, flow, context) {
            Some(choice) if matches!(cause, Opener::Packet) => {
                return bypass::first_packet(ipvs, settings, choice, skb, (flow, key), context)
            }
            _ => return leave(ipvs.get(), &service, skb, flow, context),
        },
        Err(NotScheduled::Drop(reason)) => return ipvs.drop_packet(skb, reason),
    };
    if is_one_packet(settings, choice.target.flags, flow) {
        return one_packet(ipvs, &service, choice, skb, (flow, key, cause), context);
    }
    let dest = choice.target.dest;
    let first = FirstPacket {
        key,
        mark: skb.mark(),
    };
    match connect(ipvs, choice, &first, context) {
        Ok(conn) => {
            service.stats.count_connection();
            dest.stats.count_connection();
            ipvs.stats.count_connection();
            send(ipvs.get(), conn.as_ref(), skb, (flow, cause), context)
        }
        Err(Refused::Exists) => match ipvs.get().conns.find(key, context.rcu) {
            Some((conn, FlowDirection::Request)) => {
                send(ipvs.get(), conn, skb, (flow, cause), context)
            }
            // It has ended meanwhile.
            _ => ipvs.drop_packet(skb, Reason::ServerDeleted),
        },
        Err(Refused::Drop(reason)) => ipvs.drop_packet(skb, reason),
    }
}

/// Whether a packet is scheduled on its own, as the service or the server has the flag for it.
#[inline]
fn is_one_packet(service: &ServiceSettings, server: ConnFlags, flow: &Flow) -> bool {
    service.is_one_packet(flow.protocol)
        || flow.protocol == proto::UDP && server.has(ConnFlags::ONE_PACKET)
}

/// Sends the packet that opened a connection to its server.
#[inline]
fn send(
    ipvs: &Ipvs,
    conn: Ref<'_, Conn>,
    skb: Skb,
    (flow, cause): (&Flow, Opener<'_>),
    context: &HookState<'_>,
) -> Verdict {
    match cause {
        Opener::Packet => request::forward(ipvs, conn, skb, flow, context),
        Opener::Error(report) => relay::to_server(ipvs, conn.get(), skb, report, context),
    }
}

/// Sends a packet to its server, and remembers nothing of it.
///
/// As the C module does: replies are not translated then, and reach the client from the address of the server. The connection
/// would be counted at the server for the time of this call only, so it is not counted.
fn one_packet(
    ipvs: Ref<'_, Ipvs>,
    service: &Service,
    choice: ChosenServer<'_>,
    skb: Skb,
    (flow, key, cause): (&Flow, &TableKey, Opener<'_>),
    context: &HookState<'_>,
) -> Verdict {
    let ChosenServer { target, control } = choice;
    let first = FirstPacket {
        key,
        mark: skb.mark(),
    };
    // Still here afterwards where there is no room for the connection.
    let mut packet = Some(skb);
    let sent = Conn::lend(ipvs, target, &first, control, context.rcu, |conn| {
        let Some(skb) = packet.take() else {
            return Verdict::Stolen;
        };
        service.stats.count_connection();
        target.dest.stats.count_connection();
        ipvs.stats.count_connection();
        if let Opener::Error(report) = cause {
            return relay::to_server(ipvs.get(), conn, skb, report, context);
        }
        account::count_in(ipvs.get(), conn, &skb, context);
        announce_controllers(ipvs.get(), conn, context.rcu);
        ipvs.count_unsent(xmit::to_server(conn, skb, flow, context))
    });
    match (sent, packet) {
        (Err(reason), Some(skb)) => ipvs.drop_packet(skb, reason),
        (Ok(verdict), _) => verdict,
        (Err(_), None) => Verdict::Stolen,
    }
}

/// The server of a packet to a service without persistence.
///
/// As the C module does: such a service has one port, or those of all packets with its mark. The
/// data connections of FTP and all ports of an address take persistence.
fn choose<'g>(
    service: &Service,
    pool: &'g Pool,
    flow: &Flow,
    context: &HookState<'g>,
) -> Result<ChosenServer<'g>, NotScheduled> {
    if matches!(service.key, ServiceKey::Address { port, .. } if port != flow.dport) {
        if service.has_port(0) {
            complaint::port_zero();
        }
        return Err(NotScheduled::NoServer);
    }
    let server = schedule(service, pool, flow, context)?;
    let port = match server.key.port {
        0 => flow.dport,
        port => port,
    };
    Ok(ChosenServer {
        target: Target {
            dest: server.dest(),
            port,
            flags: server.conn_flags(),
        },
        control: None,
    })
}

/// Answers and drops a packet to a service that has no server for it.
#[cold]
fn leave(
    ipvs: &Ipvs,
    service: &Service,
    mut skb: Skb,
    flow: &Flow,
    context: &HookState<'_>,
) -> Verdict {
    // The packet may be for an FTP server on this host.
    if service.has_port(FTP) && flow.dport != FTP {
        return Verdict::Accept(skb);
    }
    answer(
        &mut skb,
        flow.family,
        IcmpError::PortUnreachable,
        context.net,
    );
    ipvs.drop_packet(skb, Reason::NoServer)
}
