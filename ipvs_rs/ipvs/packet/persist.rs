// SPDX-License-Identifier: GPL-2.0

//! The servers of clients that come back: see [`ipvs_core::persist`].
//!
//! ```text
//!                    connection        connection          (time passes,
//!                    of its client      established         no connection left)
//!   nobody ─────────────────> NONE ─────────────> ASSURED ─────────────────────> ended
//!                               │ server deleted     │
//!                               └──────┬─────────────┘
//!                                      v      (time passes, no connection left)
//!                                invalidated ───────────────────────────────────> ended
//! ```

use core::sync::atomic::Ordering::Relaxed;
use ipvs_core::{
    config::ServiceKey,
    engine::{EngineData, ENGINE_DATA_MAX},
    flow::{Flow, Fragment},
    persist::{self, Group, TemplateServer},
    proto,
    wire::{tcp, udp},
};
use knet::{netfilter::HookState, rcu::Ref, skbuff::Skb};

use super::choice::{schedule, ChosenServer, NotScheduled};
use crate::model::{
    attachment::Attachment,
    conn::{control::ControllerRef, table::TableKey, Conn, FirstPacket, Refused, Role, Target},
    drops::Reason,
    engine::{Finder, OwnedEngineData},
    helping::Transport,
    pool::Pool,
    service::Service,
    Ipvs,
};

/// The clients that share a template.
struct Clients<'a> {
    group: Group,
    /// The key of the template.
    key: TableKey,
    /// The data of the service's persistence engine in the packet.
    engine_data: Option<EngineData<'a>>,
}

/// The server of a packet to a persistent service: that which the client had, or a new one. `skb` is a packet of `flow`,
/// or an error about one, which has no data of a persistence engine.
///
/// # Errors
///
/// There is no server, no room for the template, or no data for the engine.
pub(super) fn choose<'g>(
    ipvs: Ref<'g, Ipvs>,
    service: &Service,
    pool: &'g Pool,
    (skb, flow, is_error): (&mut Skb, &Flow, bool),
    context: &HookState<'g>,
) -> Result<ChosenServer<'g>, NotScheduled> {
    let mark = skb.mark();
    let engine_data = match pool.engine() {
        None => None,
        Some(_) if is_error => return Err(NotScheduled::Drop(Reason::Engine)),
        Some(engine) => {
            let data = engine_data(engine.get(context.rcu), skb, flow);
            Some(data.ok_or(NotScheduled::Drop(Reason::Engine))?)
        }
    };
    let group = Group::new(flow, &service.key, pool.settings().netmask);
    let clients = Clients {
        key: ipvs.get().conns.template_key(group.template, engine_data),
        group,
        engine_data,
    };
    if let Some(choice) = remembered(ipvs, pool, &clients, context) {
        return Ok(choice);
    }
    let group = &clients.group;
    let server = schedule(service, pool, flow, context)?;
    let target = |port| Target {
        dest: server.dest(),
        port,
        flags: server.conn_flags(),
    };
    let (port, template_port) = (
        group.connection_port(server.key.port),
        group.template_port(server.key.port),
    );
    let first = FirstPacket {
        key: &clients.key,
        mark,
    };
    match remember(
        ipvs,
        pool,
        &first,
        engine_data,
        target(template_port),
        context,
    ) {
        Ok(control) => Ok(ChosenServer {
            target: target(port),
            control: Some(control),
        }),
        Err(Refused::Exists) => {
            let choice = remembered(ipvs, pool, &clients, context);
            choice.ok_or(NotScheduled::Drop(Reason::ServerDeleted))
        }
        Err(Refused::Drop(reason)) => Err(NotScheduled::Drop(reason)),
    }
}

/// The data that an engine finds in a packet.
#[cold]
fn engine_data<'a>(
    engine: &'a dyn Finder,
    skb: &'a mut Skb,
    flow: &Flow,
) -> Option<EngineData<'a>> {
    if flow.fragment == Fragment::Later {
        return None;
    }
    let (transport, length) = match flow.protocol {
        proto::UDP => (Transport::Udp, udp::HEADER_LEN),
        proto::TCP => (Transport::Tcp, tcp_header_len(skb, flow)?),
        _ => return None,
    };
    let payload = skb.bytes_from(flow.transport.checked_add(length)?).ok()?;
    if payload.is_empty() {
        return None;
    }
    let data = payload.get(engine.find(transport, payload)?)?;
    (1..=ENGINE_DATA_MAX)
        .contains(&data.len())
        .then_some(EngineData {
            name: engine.name().as_bytes(),
            data,
        })
}

/// The length of the TCP header of a packet, in bytes.
fn tcp_header_len(skb: &Skb, flow: &Flow) -> Option<usize> {
    let mut bytes = [0; tcp::HEADER_LEN];
    tcp::header_len(skb.header(flow.transport, &mut bytes)?.first_chunk()?)
}

/// The server that the client had, if it is still there.
fn remembered<'g>(
    ipvs: Ref<'g, Ipvs>,
    pool: &Pool,
    clients: &Clients<'_>,
    context: &HookState<'g>,
) -> Option<ChosenServer<'g>> {
    let template = ipvs
        .get()
        .conns
        .template(&clients.key, clients.engine_data, context.rcu)?;
    let dest = &template.get().dest;
    let server = TemplateServer {
        is_available: dest.is_available(),
        // Also in the pool that another one would come from: the server may have a later one.
        is_quiesced: dest.is_quiesced() && pool.quiesces(&dest.key),
    };
    let expire_quiescent = ipvs.settings.expire_quiescent_template.load(Relaxed) != 0;
    if !persist::is_valid(server, expire_quiescent) {
        template.invalidate();
        return None;
    }
    // If there is none, the template has ended just now.
    let control = ControllerRef::at(template)?;
    template.restart_timeout();
    Some(ChosenServer {
        target: Target {
            dest,
            port: clients.group.connection_port(dest.key.port),
            flags: dest.conn_flags(),
        },
        control: Some(control),
    })
}

/// The place at the template of a conversation that a server begins, whose first packet is `skb`. `request` is the flow of the
/// packets that the client sends to the service with this key, and `target` the server.
///
/// As the C module does: a template that leads to another server is invalidated, and a new one takes its place.
///
/// Returns [`None`] if the engine finds no data in the packet, or if there is no room for the template.
pub(super) fn begun(
    ipvs: Ref<'_, Ipvs>,
    pool: &Pool,
    service: &ServiceKey,
    (skb, request): (&mut Skb, &Flow),
    target: Target<'_>,
    context: &HookState<'_>,
) -> Option<ControllerRef> {
    let mark = skb.mark();
    let data = Some(engine_data(pool.engine()?.get(context.rcu), skb, request)?);
    let group = Group::new(request, service, pool.settings().netmask);
    let key = &ipvs.get().conns.template_key(group.template, data);
    if let Some(template) = ipvs.get().conns.template(key, data, context.rcu) {
        if template.dest.ptr_eq(target.dest) {
            let control = ControllerRef::at(template);
            template.restart_timeout();
            return control;
        }
        template.invalidate();
    }
    let target = Target {
        port: group.template_port(target.port),
        ..target
    };
    remember(
        ipvs,
        pool,
        &FirstPacket { key, mark },
        data,
        target,
        context,
    )
    .ok()
}

/// Remembers a server for the clients of a group, whose template has the tuple of `first`, for a connection that the
/// template controls.
// Inlined, so that the path of packets of clients is as if nobody else called it.
#[inline(always)]
fn remember(
    ipvs: Ref<'_, Ipvs>,
    pool: &Pool,
    first: &FirstPacket<'_>,
    engine_data: Option<EngineData<'_>>,
    target: Target<'_>,
    context: &HookState<'_>,
) -> Result<ControllerRef, Refused> {
    let engine_data = match (engine_data, pool.engine()) {
        (Some(found), Some(engine)) => {
            // None while the service is deleted.
            let engine = engine
                .hold(context.rcu)
                .ok_or(Refused::Drop(Reason::ServiceDeleted))?;
            let owned = OwnedEngineData::new(engine, found.data).and_then(Attachment::of_engine);
            Some(owned.map_err(|_| Refused::Drop(Reason::NoMemory))?)
        }
        _ => None,
    };
    let role = Role::Template {
        timeout: pool.settings().timeout_ticks(),
        engine_data,
    };
    let template = Conn::enter(ipvs, target, first, role, context.rcu)?;
    Ok(ControllerRef::first(template))
}
