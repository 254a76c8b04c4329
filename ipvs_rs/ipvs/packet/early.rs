// SPDX-License-Identifier: GPL-2.0

//! The early path: a packet of an established connection leaves before it is routed.
//!
//! ```text
//!             PRE_ROUTING, last hook
//!   packet ──> plain? ──> recent flow? ──> connection ──> way still open? ──> edit, count, follow ──> POST_ROUTING
//!                │             │               │                │
//!                └─────────────┴───────────────┴────────────────┴──> routing ──> the slow path, which keeps the way
//! ```
//!
//! All decisions are made in the slow path. The early path repeats one that a packet of this flow was given less than a second
//! ago, as long as nothing has changed that it depends on; see [`knet::passage`]. State, statistics and messages to other
//! directors are the same functions in both. Packets that are not plain take the slow path: fragments, options, the last hop, SCTP,
//! the beginning and the end of a conversation of TCP, and whatever a helper or connection tracking looks at.

use core::sync::atomic::Ordering::Relaxed;
use ipvs_core::{
    addr::Family,
    conn::{ConnFlags, Method},
    early::{fingerprint_v4, fingerprint_v6, Mode, Outcome},
    flow::{
        plain::{tcp_flags_v4, tcp_flags_v6},
        Flow, FlowDirection, Plain,
    },
    nat::Side,
    proto::{Direction, TCP, UDP},
};
use kernel::prelude::*;
use knet::{
    netfilter::{HookState, InetHook, Verdict},
    passage::{hooks_are_of, Barred, Passage},
    rcu::Ref,
    route::Route,
    skbuff::Skb,
};

use super::{
    account,
    headers::Headers,
    track,
    xmit::{
        leave::{hop, is_plain},
        nat,
        tunnel::{self, Shape},
    },
};
use crate::model::{
    conn::{
        announce::{announce, announce_reply},
        Conn,
    },
    drops::Reason,
    duties::Early,
    family::netfilter_family,
    passages::Tables,
    route::{self, Purpose},
    Ipvs,
};

/// FIN, SYN and RST.
const TURNS: u8 = 0x07;

/// Handles a packet that was just received, of IPv4 or of IPv6.
#[inline]
pub(super) fn handle<const IS_V6: bool>(
    ipvs: Ref<'_, Ipvs>,
    skb: Skb,
    context: &HookState<'_>,
) -> Verdict {
    // The setting needs no look: without the early path there is no hook.
    let family = match IS_V6 {
        false => Family::V4,
        true => Family::V6,
    };
    let Some(tables) = ipvs.get().passages.armed(family, context.rcu) else {
        return Verdict::Accept(skb);
    };
    let fingerprint = match IS_V6 {
        false => skb.linear_start().map(fingerprint_v4),
        true => skb.linear_start().map(fingerprint_v6),
    };
    match fingerprint {
        Some(number) if tables.is_recent(number) => {
            recent::<IS_V6>(ipvs, (tables, number), skb, context)
        }
        _ => Verdict::Accept(skb),
    }
}

/// Handles a packet of a flow that has kept its way of late, most likely.
#[inline(never)]
fn recent<const IS_V6: bool>(
    ipvs: Ref<'_, Ipvs>,
    (tables, fingerprint): (&Tables, u32),
    skb: Skb,
    context: &HookState<'_>,
) -> Verdict {
    let plain = match IS_V6 {
        false => skb.linear_start().and_then(Plain::v4),
        true => skb.linear_start().and_then(Plain::v6),
    };
    let Some(plain) = plain.filter(|_| skb.to_host() && !skb.ipvs_property()) else {
        return Verdict::Accept(skb);
    };
    let flow = &plain.flow;
    let found = tables
        .conn(fingerprint, &flow.tuple(), context.rcu)
        .or_else(|| search(ipvs.get(), flow, context));
    let Some((conn, way)) = found else {
        return Verdict::Accept(skb);
    };
    let id = match way {
        FlowDirection::Request => &conn.get().to_server,
        FlowDirection::Reply => &conn.get().to_client,
    };
    let Some(passage) = tables.get(id, context.rcu) else {
        ipvs.passages.count(Outcome::Renewal);
        return Verdict::Accept(skb);
    };
    match admits::<IS_V6>(ipvs.get(), conn.get(), way, &plain, &skb) {
        Ok(flags) => leave::<IS_V6>(ipvs, conn, way, skb, (flow, flags), passage, context),
        Err(outcome) => {
            ipvs.passages.count(outcome);
            Verdict::Accept(skb)
        }
    }
}

/// Looks for a connection that is not at hand in the table. It is given the flow, as that is in memory anyway.
#[inline(never)]
fn search<'a>(
    ipvs: &'a Ipvs,
    flow: &Flow,
    context: &HookState<'a>,
) -> Option<(Ref<'a, Conn>, FlowDirection)> {
    ipvs.conns.find(&ipvs.conns.key(flow.tuple()), context.rcu)
}

/// The owner of the only hooks that early packets may pass by; [`None`] if the administrator lets them pass by all.
#[inline]
fn only_owner<'a>(ipvs: Ref<'a, Ipvs>) -> Option<Ref<'a, Ipvs>> {
    let mode = Mode::from_number(ipvs.settings.early_path.load(Relaxed));
    (mode != Mode::Forced).then_some(ipvs)
}

/// Whether early packets of a family pass nobody by, or the administrator wants it anyway.
#[inline]
fn is_open(ipvs: Ref<'_, Ipvs>, family: Family, context: &HookState<'_>) -> bool {
    match Mode::from_number(ipvs.settings.early_path.load(Relaxed)) {
        Mode::Off => false,
        Mode::Forced => true,
        Mode::Auto if ipvs.passages.is_closed(family) => false,
        Mode::Auto => {
            let is_open = hooks_are_of(context.net, netfilter_family(family), ipvs, context.rcu);
            if !is_open {
                ipvs.passages.close(family);
            }
            if is_open != ipvs.passages.is_hooked(family) {
                Early::plan(ipvs);
            }
            is_open
        }
    }
}

/// The flags byte of a packet of TCP; [`None`] if its header is not all there.
#[inline(always)]
fn tcp_flags<const IS_V6: bool>(skb: &Skb, flow: &Flow) -> Option<u8> {
    let flags = match IS_V6 {
        false => skb.linear_start().and_then(tcp_flags_v4),
        true => skb.linear_start().and_then(tcp_flags_v6),
    };
    flags.or_else(|| tcp_flags_in_pieces(skb, flow))
}

#[cold]
#[inline(never)]
fn tcp_flags_in_pieces(skb: &Skb, flow: &Flow) -> Option<u8> {
    flow.tcp_flags(&Headers(skb))
}

/// Whether a packet may leave early, as far as it does not depend on its way. Returns the flags byte of a packet of TCP.
#[inline]
fn admits<const IS_V6: bool>(
    ipvs: &Ipvs,
    conn: &Conn,
    way: FlowDirection,
    plain: &Plain,
    skb: &Skb,
) -> Result<u8, Outcome> {
    if plain.hops <= 1 {
        return Err(Outcome::Hops);
    }
    if !plain.has_length {
        return Err(Outcome::Size);
    }
    let is_ordinary = matches!(plain.flow.protocol, TCP | UDP);
    if !is_ordinary || !conn.condition().flags().has_none(SLOW) {
        return Err(Outcome::Special);
    }
    if !conn.dest.is_available()
        || way == FlowDirection::Request && ipvs.is_backup_only.load(Relaxed)
    {
        return Err(Outcome::Server);
    }
    if plain.flow.protocol != TCP {
        return Ok(0);
    }
    let flags = tcp_flags::<IS_V6>(skb, &plain.flow);
    flags
        .filter(|flags| flags & TURNS == 0)
        .ok_or(Outcome::Turn)
}

/// Lets a packet leave by a passage, if that admits it.
#[inline(always)]
fn leave<const IS_V6: bool>(
    shared: Ref<'_, Ipvs>,
    conn: Ref<'_, Conn>,
    way: FlowDirection,
    mut skb: Skb,
    (flow, flags): (&Flow, u8),
    passage: &Passage,
    context: &HookState<'_>,
) -> Verdict {
    let (ipvs, method) = (shared.get(), conn.method());
    if method == Method::Tunnel {
        return leave_by_tunnel(shared, conn, way, skb, (flow, flags), passage, context);
    }
    if let Err(barred) = passage.admits(context.net, &skb, 0, only_owner(shared), context.rcu) {
        ipvs.passages.count(outcome(barred));
        return Verdict::Accept(skb);
    }
    let edited = match (method, way) {
        (Method::Nat, FlowDirection::Request) => {
            let to = (conn.server, conn.server_port);
            nat::onward::<IS_V6>(&mut skb, flow, Side::Destination, to)
        }
        (Method::Nat, FlowDirection::Reply) => {
            let to = (conn.virtual_addr, conn.virtual_port);
            nat::onward::<IS_V6>(&mut skb, flow, Side::Source, to)
        }
        (Method::DirectRoute, FlowDirection::Request) => hop(&mut skb, flow.family),
        _ => return Verdict::Accept(skb),
    };
    if edited.is_err() {
        return ipvs.drop_packet(skb, Reason::NotSent);
    }
    follow(ipvs, conn, way, &skb, (flow, flags), context);
    passage.send(context.net, skb, way == FlowDirection::Reply, context.rcu);
    ipvs.passages.count(Outcome::Early);
    Verdict::Stolen
}

/// Lets a packet of a client leave in another one.
#[inline(never)]
fn leave_by_tunnel(
    shared: Ref<'_, Ipvs>,
    conn: Ref<'_, Conn>,
    way: FlowDirection,
    mut skb: Skb,
    (flow, flags): (&Flow, u8),
    passage: &Passage,
    context: &HookState<'_>,
) -> Verdict {
    let ipvs = shared.get();
    let server = route::to_server(conn.get(), Purpose::Tunnel, context.net, context.rcu);
    let server = match server {
        Ok(server) if way == FlowDirection::Request && server.route.is_same(passage.route()) => {
            server
        }
        _ => {
            ipvs.passages.count(Outcome::Renewal);
            return Verdict::Accept(skb);
        }
    };
    let shape = Shape::of(conn.get(), &skb);
    if let Err(barred) = passage.admits(
        context.net,
        &skb,
        shape.overhead,
        only_owner(shared),
        context.rcu,
    ) {
        ipvs.passages.count(outcome(barred));
        return Verdict::Accept(skb);
    }
    if hop(&mut skb, flow.family).is_err() {
        return ipvs.drop_packet(skb, Reason::NotSent);
    }
    follow(ipvs, conn, way, &skb, (flow, flags), context);
    if !track::enclose(conn.get(), &mut skb) {
        return ipvs.drop_packet(skb, Reason::NotSent);
    }
    let Ok(skb) = tunnel::wrap(conn.get(), skb, flow, &shape, server, context) else {
        return conn.not_sent();
    };
    passage.send(context.net, skb, false, context.rcu);
    ipvs.passages.count(Outcome::Early);
    Verdict::Stolen
}

/// Takes account of a packet, as the slow path does.
#[inline(always)]
fn follow(
    ipvs: &Ipvs,
    conn: Ref<'_, Conn>,
    way: FlowDirection,
    skb: &Skb,
    (flow, flags): (&Flow, u8),
    context: &HookState<'_>,
) {
    let direction = match way {
        FlowDirection::Request => Direction::Input,
        FlowDirection::Reply => Direction::Output,
    };
    match way {
        FlowDirection::Request => account::count_in(ipvs, conn.get(), skb, context),
        FlowDirection::Reply => account::count_out(ipvs, conn.get(), skb, context),
    }
    match flow.protocol {
        TCP => conn.follow_tcp(&ipvs.settings, direction, flags),
        _ => conn.follow(&ipvs.settings, direction, flow, &Headers(skb)),
    }
    match way {
        FlowDirection::Request => announce(ipvs, conn, conn.count_packet(), context.rcu),
        FlowDirection::Reply => announce_reply(ipvs, conn, context.rcu),
    }
}

/// The outcome of a packet that its passage does not admit.
#[cold]
const fn outcome(barred: Barred) -> Outcome {
    match barred {
        Barred::Over => Outcome::Renewal,
        Barred::Different => Outcome::Different,
        Barred::Size => Outcome::Size,
        Barred::Special => Outcome::Special,
        Barred::Hooks => Outcome::Hooks,
    }
}

/// The flags of connections whose packets never leave early: others have to see them, or the connection is for one packet.
const SLOW: ConnFlags = ConnFlags::NFCT
    .with(ConnFlags::ONE_PACKET)
    .with(ConnFlags::TEMPLATE)
    .with(ConnFlags::NO_CLIENT_PORT)
    .with(ConnFlags::HELPED);

/// Whether packets of a connection and a flow may leave early at all.
#[inline]
fn may_be_early(conn: &Conn, flow: &Flow) -> bool {
    is_plain(flow) && conn.condition().flags().has_none(SLOW)
}

/// Keeps the way of a client's packet, which is about to leave by `route`, for those that follow.
#[inline]
pub(super) fn keep_request(
    conn: &Conn,
    skb: &Skb,
    flow: &Flow,
    route: &Route,
    context: &HookState<'_>,
) {
    if context.hook == InetHook::LocalIn
        && conn.to_server.was_seen()
        && is_open(conn.ipvs(), flow.family, context)
    {
        keep_open_request(conn, skb, flow, route, context);
    }
}

#[cold]
fn keep_open_request(conn: &Conn, skb: &Skb, flow: &Flow, route: &Route, context: &HookState<'_>) {
    let passages = &conn.ipvs().get().passages;
    if may_be_early(conn, flow)
        && passages.keep(
            &conn.to_server,
            || route.try_clone(),
            (skb, flow),
            context.net,
            context.rcu,
        )
    {
        remember(conn, flow, context);
    }
}

/// Gives a server's packet the route that an earlier one like it got. Returns whether there is one.
#[inline]
pub(super) fn route_as_before(
    conn: &Conn,
    skb: &mut Skb,
    flow: &Flow,
    context: &HookState<'_>,
) -> bool {
    let ipvs = conn.ipvs();
    let Some(passage) = ipvs.get().passages.get(&conn.to_client, context.rcu) else {
        return false;
    };
    if !passage.follows(context.net, skb, context.rcu) {
        return false;
    }
    skb.set_route_noref(passage.route(), context.rcu);
    if is_open(ipvs, flow.family, context) {
        remember_reply(conn, flow, context);
    }
    true
}

/// Keeps the way of a server's packet, which has got its route to the client, for those that follow.
#[inline]
pub(super) fn keep_reply(conn: &Conn, skb: &Skb, flow: &Flow, context: &HookState<'_>) {
    if !conn.to_client.was_seen() {
        return;
    }
    let ipvs = conn.ipvs();
    let is_kept = ipvs.get().passages.keep(
        &conn.to_client,
        || Route::of_packet(skb),
        (skb, flow),
        context.net,
        context.rcu,
    );
    if is_kept && is_open(ipvs, flow.family, context) {
        remember_reply(conn, flow, context);
    }
}

#[cold]
fn remember_reply(conn: &Conn, flow: &Flow, context: &HookState<'_>) {
    if may_be_early(conn, flow) {
        remember(conn, flow, context);
    }
}

/// Remembers that packets of this flow may leave early.
fn remember(conn: &Conn, flow: &Flow, context: &HookState<'_>) {
    let ipvs = conn.ipvs().get();
    if let Some((conn, _)) = search(ipvs, flow, context) {
        ipvs.passages.remember(&flow.tuple(), conn, context.rcu);
    }
}
