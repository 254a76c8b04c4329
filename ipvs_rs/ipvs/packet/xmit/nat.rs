// SPDX-License-Identifier: GPL-2.0

//! Network address translation: the packet gets the server's address on its way there, and the
//! virtual service's on its way back.

use ipvs_core::{
    addr::{Addr, Family},
    flow::{Flow, Fragment},
    icmp::{self, Endpoint, Report},
    nat::{
        bare, dnat_v4, dnat_v6, onward_v4, onward_v6, snat_v4, snat_v6, L4Checksum, Remaining, Side,
    },
    proto::{self, Direction},
    wire::{ipv4, ipv6, sctp, tcp, udp},
};
use kernel::prelude::*;
use knet::{
    checksum::IpSummed,
    netfilter::{HookState, Verdict},
    route::Route,
    skbuff::Skb,
};

use super::{
    depart, is_loopback,
    leave::{is_plain, leave, leaves_plainly, Limit},
    may_travel, to_this_host, unreachable,
};
use crate::{
    model::{
        conn::Conn,
        family::netfilter_family,
        route::{self, Purpose},
    },
    packet::{early, help, track},
};

/// Sends a client's packet to the server.
#[inline]
pub(super) fn to_server(
    conn: &Conn,
    mut skb: Skb,
    flow: &Flow,
    context: &HookState<'_>,
) -> Verdict {
    if conn.is_helped() {
        if let Err(reason) = help::look(conn, &mut skb, flow, Direction::Input, context.rcu) {
            return conn.give_up(skb, reason);
        }
    }
    if let Ok(way) = route::to_server(conn, Purpose::Address, context.net, context.rcu) {
        if is_plain(flow)
            && leaves_plainly(&skb, flow, way.route.mtu())
            && may_travel(flow)
            && !way.route.is_local()
        {
            return send_plain(conn, skb, flow, &way.route, context);
        }
    }
    send(conn, skb, flow, headers(flow), context, |skb| {
        translate(skb, flow, |headers, checksum| {
            let (addr, port) = (conn.server, conn.server_port);
            let (transport, protocol) = (flow.transport, flow.protocol);
            match flow.family {
                Family::V4 => dnat_v4(headers, transport, protocol, addr, port, checksum),
                Family::V6 => dnat_v6(headers, transport_v6(flow), protocol, addr, port, checksum),
            }
        })
    })
}

/// Sends a plain packet to the server, in one go.
#[inline]
fn send_plain(
    conn: &Conn,
    mut skb: Skb,
    flow: &Flow,
    route: &Route,
    context: &HookState<'_>,
) -> Verdict {
    let to = (conn.server, conn.server_port);
    let edited = match flow.family {
        Family::V4 => onward::<false>(&mut skb, flow, Side::Destination, to),
        Family::V6 => onward::<true>(&mut skb, flow, Side::Destination, to),
    };
    if edited.is_err() {
        return Verdict::Drop(skb);
    }
    track::request(conn, &mut skb);
    early::keep_request(conn, &skb, flow, route, context);
    depart(skb, route, context)
}

/// Gives a plain packet another address and port at `side`, and takes one of its hops, of which it has more.
///
/// # Errors
///
/// There is no memory: drop it, as it may be half changed.
#[inline(always)]
pub(crate) fn onward<const IS_V6: bool>(
    skb: &mut Skb,
    flow: &Flow,
    side: Side,
    to: (Addr, u16),
) -> Result {
    let l4 = match skb.ip_summed() {
        IpSummed::Partial => L4Checksum::PseudoHeader,
        IpSummed::None | IpSummed::Unnecessary | IpSummed::Complete => L4Checksum::Whole,
    };
    let transport = match flow.protocol {
        proto::TCP => tcp::HEADER_LEN,
        _ => udp::HEADER_LEN,
    };
    let remaining = match IS_V6 {
        false => {
            let headers = skb.ensure_writable(ipv4::HEADER_LEN.wrapping_add(transport))?;
            onward_v4(headers, side, flow.protocol, to, l4)
        }
        true => {
            let headers = skb.ensure_writable(ipv6::HEADER_LEN.wrapping_add(transport))?;
            onward_v6(headers, side, flow.protocol, to, l4)
        }
    };
    match remaining {
        Ok(Remaining::Nothing) => skb.forget_complete_checksum(),
        Ok(Remaining::UdpChecksum) => {
            skb.compute_udp_checksum(netfilter_family(flow.family), flow.transport)?;
        }
        Ok(Remaining::SctpChecksum) | Err(_) => return Err(EINVAL),
    }
    Ok(())
}

/// The same of a packet whose transport header knows no addresses.
pub(super) fn bare_to_server(
    conn: &Conn,
    skb: Skb,
    flow: &Flow,
    context: &HookState<'_>,
) -> Verdict {
    send(conn, skb, flow, flow.transport, context, |skb| {
        let headers = skb.ensure_writable(flow.transport)?;
        bare::set_destination(headers, flow.family, conn.server).map_err(|_| EINVAL)?;
        skb.forget_complete_checksum();
        Ok(())
    })
}

/// Sends an ICMP error about a packet of a server to the server.
pub(super) fn icmp_to_server(
    conn: &Conn,
    skb: Skb,
    report: &Report,
    context: &HookState<'_>,
) -> Verdict {
    let flow = report.outer.without_ports();
    send(conn, skb, &flow, report.headers(), context, |skb| {
        let server = Endpoint {
            addr: conn.server,
            port: conn.server_port,
        };
        translate_icmp(skb, report, |headers| {
            icmp::to_server(headers, report, server)
        })
    })
}

/// Lets `edit` give a packet the server's address, and sends it there. `length` bytes of headers
/// may change.
#[inline(always)]
fn send(
    conn: &Conn,
    skb: Skb,
    flow: &Flow,
    length: usize,
    context: &HookState<'_>,
    edit: impl FnOnce(&mut Skb) -> Result,
) -> Verdict {
    let Ok(way) = route::to_server(conn, Purpose::Address, context.net, context.rcu) else {
        return unreachable(skb);
    };
    let is_local = way.route.is_local();
    if crosses_loopback(conn, &skb, flow, is_local) {
        return Verdict::Drop(skb);
    }
    let limit = |_: &Skb| Some(Limit::of(&way.route));
    let leaving = match is_local {
        true => Some(skb),
        false => leave(skb, flow, limit, length, context.net),
    };
    let Some(mut skb) = leaving else {
        return conn.not_sent();
    };
    if edit(&mut skb).is_err() {
        return Verdict::Drop(skb);
    }
    if is_local {
        return to_this_host(conn, skb);
    }
    track::request(conn, &mut skb);
    early::keep_request(conn, &skb, flow, &way.route, context);
    depart(skb, &way.route, context)
}

/// Gives a server's packet the address of the virtual service.
///
/// # Errors
///
/// The packet is too short, or there is no memory: drop it.
#[inline]
pub(crate) fn from_server(conn: &Conn, skb: &mut Skb, flow: &Flow) -> Result {
    translate(skb, flow, |headers, checksum| {
        let (addr, port) = (conn.virtual_addr, conn.virtual_port);
        let (transport, protocol) = (flow.transport, flow.protocol);
        match flow.family {
            Family::V4 => snat_v4(headers, transport, protocol, addr, port, checksum),
            Family::V6 => snat_v6(headers, transport_v6(flow), protocol, addr, port, checksum),
        }
    })
}

/// The same of a packet whose transport header knows no addresses.
///
/// # Errors
///
/// See [`from_server`].
pub(crate) fn bare_from_server(conn: &Conn, skb: &mut Skb, flow: &Flow) -> Result {
    let headers = skb.ensure_writable(flow.transport)?;
    bare::set_source(headers, flow.family, conn.virtual_addr).map_err(|_| EINVAL)?;
    skb.forget_complete_checksum();
    Ok(())
}

/// Gives an ICMP error of a server, or of somebody on the way to it, the address of the virtual
/// service.
///
/// # Errors
///
/// The packet is too short, or there is no memory: drop it.
pub(crate) fn icmp_from_server(conn: &Conn, skb: &mut Skb, report: &Report) -> Result {
    let service = Endpoint {
        addr: conn.virtual_addr,
        port: conn.virtual_port,
    };
    translate_icmp(skb, report, |headers| {
        icmp::to_client(headers, report, service)
    })
}

/// Whether a loopback address would be seen on a link.
#[inline]
fn crosses_loopback(conn: &Conn, skb: &Skb, flow: &Flow, is_local: bool) -> bool {
    match is_local {
        true => {
            is_loopback(flow.family, conn.server) && skb.has_device() && !skb.device_is_loopback()
        }
        false => !may_travel(flow),
    }
}

/// Where the transport header of an IPv6 packet begins; a later fragment has none.
#[inline]
fn transport_v6(flow: &Flow) -> Option<usize> {
    (flow.fragment != Fragment::Later).then_some(flow.transport)
}

/// How many bytes from the network header on may change.
#[inline]
fn headers(flow: &Flow) -> usize {
    let transport = match flow.protocol {
        _ if flow.fragment == Fragment::Later => 0,
        proto::TCP => tcp::HEADER_LEN,
        proto::SCTP => sctp::HEADER_LEN,
        _ => udp::HEADER_LEN,
    };
    flow.transport.saturating_add(transport)
}

/// Lets `edit` change the headers of a packet, and sees to it that its checksum stays right.
#[inline(always)]
fn translate(
    skb: &mut Skb,
    flow: &Flow,
    edit: impl FnOnce(&mut [u8], L4Checksum) -> Result<Remaining, ipvs_core::nat::Error>,
) -> Result {
    let checksum = match skb.ip_summed() {
        IpSummed::Partial => L4Checksum::PseudoHeader,
        IpSummed::None | IpSummed::Unnecessary | IpSummed::Complete => L4Checksum::Whole,
    };
    match edit(skb.ensure_writable(headers(flow))?, checksum) {
        Ok(Remaining::Nothing) => skb.forget_complete_checksum(),
        Ok(Remaining::UdpChecksum) => {
            skb.compute_udp_checksum(netfilter_family(flow.family), flow.transport)?;
        }
        Ok(Remaining::SctpChecksum) => skb.compute_sctp_checksum(flow.transport)?,
        Err(_) => return Err(EINVAL),
    }
    Ok(())
}

/// Lets `edit` change the headers of an ICMP error.
fn translate_icmp(
    skb: &mut Skb,
    report: &Report,
    edit: impl FnOnce(&mut [u8]) -> Result<(), ipvs_core::nat::Error>,
) -> Result {
    edit(skb.ensure_writable(report.headers())?).map_err(|_| EINVAL)?;
    skb.forget_complete_checksum();
    Ok(())
}
