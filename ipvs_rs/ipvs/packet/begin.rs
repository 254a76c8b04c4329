// SPDX-License-Identifier: GPL-2.0

//! Conversations that real servers begin.
//!
//! A service may have a persistence engine that serves them: see
//! [`Engine::SERVES_BEGUN`](crate::plugin::engine::Engine::SERVES_BEGUN). A packet that a server sends from its own port, and
//! that belongs to no connection, then opens one: its client is the destination of the packet. The packet gets the address of
//! the service, as a reply does. The replies of one-packet services are such packets, too.

use core::sync::atomic::Ordering::Relaxed;
use ipvs_core::{
    config::{DestKey, ServiceKey},
    conn::{ConnFlags, Method},
    flow::{Flow, FlowDirection, Fragment},
    proto::UDP,
};
use knet::{
    netfilter::{HookState, InetHook, Verdict},
    rcu::{Guard, Ref},
    skbuff::Skb,
};

use super::{persist, reply};
use crate::model::{
    conn::{control::ControllerRef, Conn, FirstPacket, Role, Target},
    member::Member,
    pool::Pool,
    service::{Cursor, Service},
    Ipvs,
};

/// A real server of a service whose servers may begin a conversation.
struct Beginner<'g> {
    service: Ref<'g, Service>,
    pool: &'g Pool,
    member: &'g Member,
}

/// Whether a packet comes from the port of a server with NAT, and is one that may begin a conversation.
#[cold]
pub(super) fn is_of_server(ipvs: &Ipvs, flow: &Flow, context: &HookState<'_>) -> bool {
    context.hook != InetHook::LocalIn
        && flow.protocol == UDP
        && flow.fragment != Fragment::Later
        && ipvs
            .servers
            .has_source(flow.family, UDP, flow.src, flow.sport, context.rcu)
}

/// Opens a connection for a packet of a server that belongs to none, and lets the packet go on to the client.
///
/// # Errors
///
/// The packet, if there is no service for it, no data of the engine in it, or no room for the connection.
pub(super) fn opened_by_server(
    ipvs: Ref<'_, Ipvs>,
    mut skb: Skb,
    flow: &Flow,
    context: &HookState<'_>,
) -> Result<Verdict, Skb> {
    let Some(beginner) = beginner(ipvs.get(), flow, context.rcu) else {
        return Err(skb);
    };
    let Some(request) = beginner.request(flow) else {
        return Err(skb);
    };
    let (pool, dest) = (beginner.pool, beginner.member.dest());
    let settings = pool.settings();
    let mut target = Target {
        dest,
        port: flow.sport,
        flags: beginner.member.conn_flags(),
    };
    let control = match settings.is_persistent() {
        false => None,
        true => {
            let key = &beginner.service.key;
            let control = persist::begun(ipvs, pool, key, (&mut skb, &request), target, context);
            match control {
                Some(control) => Some(control),
                None => return Err(skb),
            }
        }
    };
    let is_one_packet = settings.is_one_packet(UDP) || target.flags.has(ConnFlags::ONE_PACKET);
    let count = || {
        beginner.service.stats.count_connection();
        dest.stats.count_connection();
        ipvs.stats.count_connection();
    };
    if is_one_packet {
        target.flags = target.flags.with(ConnFlags::ONE_PACKET);
        return one_packet(
            ipvs,
            (target, control),
            skb,
            (flow, &request),
            count,
            context,
        );
    }
    enter(
        ipvs,
        (target, control),
        skb,
        (flow, &request),
        count,
        context,
    )
}

/// The server of the packet, and the service that has it.
///
/// A server may be in several services. The walk through them is made once: the entry of the server tells where the last one
/// led.
fn beginner<'g>(ipvs: &'g Ipvs, flow: &Flow, guard: &'g Guard) -> Option<Beginner<'g>> {
    let entry = ipvs
        .servers
        .source(flow.family, UDP, flow.src, flow.sport, guard)?;
    let key = DestKey {
        family: flow.family,
        addr: flow.src,
        port: flow.sport,
    };
    let has_it = |service: &Service| pool_with(service, &key, guard).is_some();
    let services = &ipvs.services;
    let known = services.find_at(entry.begun.load(Relaxed), guard, has_it);
    let service = known.or_else(|| {
        let mut cursor = Cursor::default();
        while let Some(service) = services.next(&mut cursor, guard) {
            if has_it(service.get()) {
                entry.begun.store(cursor.hash(), Relaxed);
                return Some(service);
            }
        }
        None
    })?;
    let (pool, member) = pool_with(service.get(), &key, guard)?;
    Some(Beginner {
        service,
        pool,
        member,
    })
}

/// The pool of a service whose servers may begin a conversation, and this server in it, if it has it with NAT.
fn pool_with<'g>(
    service: &'g Service,
    key: &DestKey,
    guard: &'g Guard,
) -> Option<(&'g Pool, &'g Member)> {
    let is_of_one_port = matches!(
        service.key,
        ServiceKey::Address { family, protocol, port, .. }
            if family == key.family && protocol == u16::from(UDP) && port != 0
    );
    if !is_of_one_port {
        return None;
    }
    let pool = service
        .pool
        .load(guard)
        .filter(|pool| pool.serves_begun())?;
    let member = pool.member(key)?;
    (member.conn_flags().method() == Method::Nat).then_some((pool, member))
}

impl Beginner<'_> {
    /// The flow of the packets that the client of the conversation sends.
    fn request(&self, flow: &Flow) -> Option<Flow> {
        let ServiceKey::Address { addr, port, .. } = self.service.key else {
            return None;
        };
        Some(Flow {
            src: flow.dst,
            sport: flow.dport,
            dst: addr,
            dport: port,
            ..*flow
        })
    }
}

/// Makes the connection, and sends the packet to its client. `request` is the flow of the packets of the client.
fn enter(
    ipvs: Ref<'_, Ipvs>,
    (target, control): (Target<'_>, Option<ControllerRef>),
    skb: Skb,
    (flow, request): (&Flow, &Flow),
    count: impl FnOnce(),
    context: &HookState<'_>,
) -> Result<Verdict, Skb> {
    let key = ipvs.get().conns.key(request.tuple());
    let first = FirstPacket {
        key: &key,
        mark: skb.mark(),
    };
    // The requests of the client may go to another server, by a connection that gives way. The client's answer has to reach the
    // server that has asked last.
    let other = match ipvs.get().conns.find(&key, context.rcu) {
        Some((other, FlowDirection::Request)) => Some(other.get()),
        _ => None,
    };
    let role = Role::Connection { control };
    match Conn::enter_beside(ipvs, target, &first, role, other, context.rcu) {
        Ok(conn) => {
            if let Some(other) = other {
                other.end();
            }
            count();
            Ok(reply::forward(
                ipvs.get(),
                &conn,
                Some(conn.as_ref()),
                skb,
                flow,
                context,
            ))
        }
        Err(_) => Err(skb),
    }
}

/// Sends the packet to its client, and remembers nothing of it but the template.
fn one_packet(
    ipvs: Ref<'_, Ipvs>,
    (target, control): (Target<'_>, Option<ControllerRef>),
    skb: Skb,
    (flow, request): (&Flow, &Flow),
    count: impl FnOnce(),
    context: &HookState<'_>,
) -> Result<Verdict, Skb> {
    let key = ipvs.get().conns.key(request.tuple());
    let first = FirstPacket {
        key: &key,
        mark: skb.mark(),
    };
    // Still here afterwards where there is no room for the connection.
    let mut packet = Some(skb);
    let sent = Conn::lend(ipvs, target, &first, control, context.rcu, |conn| {
        let Some(skb) = packet.take() else {
            return Verdict::Stolen;
        };
        count();
        reply::forward(ipvs.get(), conn, None, skb, flow, context)
    });
    match packet {
        Some(skb) => Err(skb),
        None => Ok(sent.unwrap_or(Verdict::Stolen)),
    }
}
