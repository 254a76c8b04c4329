// SPDX-License-Identifier: GPL-2.0

//! Tunnels: the packet goes to the server inside another one. The server unwraps it, finds the
//! virtual service's address on itself and answers the client directly.

use core::sync::atomic::Ordering::Relaxed;
use ipvs_core::{
    addr::Family,
    flow::Flow,
    tunnel::{self, gue, write_v4, write_v6, Inner, Outer, RemoteChecksum, Wrapping},
    wire::{ipv4, ipv6},
};
use kernel::prelude::*;
use knet::{
    net_namespace::Net,
    netfilter::{HookState, Verdict},
    skbuff::{Capsule, OuterAddrs, PartialChecksum, Skb, TunnelGso},
};

use super::{
    depart,
    leave::{hop, is_plain, is_small, leave, Limit},
    way_to_server,
};
use crate::{
    model::{
        conn::Conn,
        family::netfilter_family,
        route::{OutputRoute, Purpose},
    },
    packet::{early, track},
};

/// The fixed headers, all that changes of the packet itself and is read of it.
const fn header(family: Family) -> usize {
    // CAST: A small number.
    tunnel::header(family) as usize
}

/// Sends a client's packet to the server.
pub(super) fn to_server(conn: &Conn, skb: Skb, flow: &Flow, context: &HookState<'_>) -> Verdict {
    let (skb, way) = match way_to_server(conn, skb, flow, Purpose::Tunnel, context) {
        Ok(found) => found,
        Err(verdict) => return verdict,
    };
    let shape = Shape::of(conn, &skb);
    let Some(mut skb) = set_out(skb, flow, &shape, way, context.net) else {
        return conn.not_sent();
    };
    if !track::enclose(conn, &mut skb) {
        return Verdict::Drop(skb);
    }
    early::keep_request(conn, &skb, flow, &way.route, context);
    match wrap(conn, skb, flow, &shape, way, context) {
        Ok(skb) => depart(skb, &way.route, context),
        Err(_) => conn.not_sent(),
    }
}

/// Makes a packet one that leaves this host, in a packet that takes `way`. Its network header is in the linear part then. Where it
/// cannot leave, it is freed, and its sender is told if that makes sense.
#[inline(always)]
fn set_out(mut skb: Skb, flow: &Flow, shape: &Shape, way: &OutputRoute, net: &Net) -> Option<Skb> {
    let mtu = tunnel::inner_mtu(way.route.mtu(), shape.outer, shape.overhead);
    if let Some(mtu) = mtu.filter(|mtu| is_plain(flow) && is_small(&skb, flow, *mtu)) {
        if hop(&mut skb, flow.family).is_ok() {
            skb.update_sender_pmtu(mtu);
            return Some(skb);
        }
    }
    let limit = |skb: &Skb| {
        let mtu = mtu?;
        skb.update_sender_pmtu(mtu);
        Some(Limit {
            mtu,
            tells_v4: shape.keeps_df,
        })
    };
    leave(skb, flow, limit, header(flow.family), net)
}

/// How a packet is wrapped.
pub(crate) struct Shape {
    /// The family of the outer packet.
    outer: Family,
    wrapping: Wrapping,
    /// The length of all outer headers.
    pub(crate) overhead: u32,
    /// Whether what must not be fragmented inside must not be so outside.
    keeps_df: bool,
}

impl Shape {
    /// How a packet to the server of `conn` is wrapped.
    #[inline]
    pub(crate) fn of(conn: &Conn, skb: &Skb) -> Self {
        let dest = &conn.dest;
        let (outer, wrapping) = (dest.key.family, dest.wrapping());
        // Only one that is left to the receiver makes the headers longer.
        let is_left = matches!(wrapping, Wrapping::Gue { remote: true, .. });
        let length = wrapping.length(is_left && skb.partial_checksum().is_some());
        Self {
            outer,
            wrapping,
            overhead: tunnel::header(outer).wrapping_add(length),
            keeps_df: conn.settings().pmtu_disc.load(Relaxed) != 0,
        }
    }
}

/// Puts the outer headers before a packet whose network header is in the linear part. Where it fails, the packet is freed.
pub(crate) fn wrap(
    conn: &Conn,
    skb: Skb,
    flow: &Flow,
    shape: &Shape,
    way: &OutputRoute,
    context: &HookState<'_>,
) -> Result<Skb> {
    match shape.wrapping {
        // Of its own, as it is by far the most common one, and needs the least.
        Wrapping::Ip => wrap_as(Wrapping::Ip, conn, skb, flow, shape, way, context),
        other => wrap_as(other, conn, skb, flow, shape, way, context),
    }
}

#[inline(always)]
fn wrap_as(
    wrapping: Wrapping,
    conn: &Conn,
    skb: Skb,
    flow: &Flow,
    shape: &Shape,
    way: &OutputRoute,
    context: &HookState<'_>,
) -> Result<Skb> {
    let (inner, outer, server) = (flow.family, shape.outer, conn.server);
    let mut taken_over = match inner {
        Family::V4 => read::<{ ipv4::HEADER_LEN }>(&skb, inner),
        Family::V6 => read::<{ ipv6::HEADER_LEN }>(&skb, inner),
    }
    .ok_or(EINVAL)?;
    taken_over.dont_fragment &= shape.keeps_df;
    let outer_family = netfilter_family(outer);
    let partial = match wrapping {
        Wrapping::Gue { remote: true, .. } => skb.partial_checksum(),
        _ => None,
    };
    let segments = match wrapping {
        Wrapping::Ip => TunnelGso::Ip,
        Wrapping::Gue {
            checksum, remote, ..
        } => TunnelGso::Udp { checksum, remote },
        Wrapping::Gre { checksum } => TunnelGso::Gre { checksum },
    };
    let count = skb.segments();
    let mut capsule = skb.encapsulate(&way.route, outer_family, shape.overhead, segments)?;
    match wrapping {
        Wrapping::Ip => capsule.inner_ipproto(tunnel::ip_protocol(inner)),
        Wrapping::Gue { port, checksum, .. } => {
            push_gue(&mut capsule, inner, partial)?;
            let ends = OuterAddrs {
                family: outer_family,
                source: way.source.octets(),
                destination: server.octets(),
            };
            capsule.push_udp(context.net, &ends, port, checksum)?;
        }
        Wrapping::Gre { checksum } => capsule.push_gre(netfilter_family(inner), checksum)?,
    }
    let header = Outer {
        src: way.source,
        dst: server,
        protocol: wrapping.protocol(inner),
        inner: taken_over,
    };
    if outer == Family::V4 {
        // The outer packet is this host's, as the C module counts it, too.
        context.net.count_request_v4();
    }
    capsule.finish(outer_family, |bytes, length| match outer {
        Family::V4 => {
            let ident = identification(way, &header, count, context.net);
            write_v4(bytes, &header, length, ident)
        }
        Family::V6 => write_v6(bytes, &header, length.saturating_sub(bytes.len())),
    })
}

/// The fields of the network header, which has `N` bytes.
#[inline(always)]
fn read<const N: usize>(skb: &Skb, family: Family) -> Option<Inner> {
    let header: &[u8; N] = skb.linear_start()?;
    Inner::read(family, header)
}

/// Prepends a GUE header. The receiver completes the transport checksum at `partial`, if there is one.
///
/// # Errors
///
/// `EINVAL`: there is no room.
#[inline]
fn push_gue(capsule: &mut Capsule, inner: Family, partial: Option<PartialChecksum>) -> Result {
    capsule.inner_ipproto(tunnel::ip_protocol(inner));
    let remote = partial.map(|partial| RemoteChecksum {
        start: partial.start,
        field: partial.field,
    });
    let length = tunnel::gue_header(remote.is_some());
    gue(capsule.push(length)?, inner, remote).ok_or(EINVAL)?;
    if remote.is_some() {
        capsule.leave_checksum_to_receiver();
    }
    Ok(())
}

/// The identification of an outer packet that stands for `count` packets.
#[inline]
fn identification(way: &OutputRoute, header: &Outer, count: u16, net: &Net) -> u16 {
    // A packet that is never fragmented needs none.
    if header.inner.dont_fragment {
        return 0;
    }
    let ends = (header.src.v4(), header.dst.v4());
    way.identifications.next(net, ends, header.protocol, count)
}
