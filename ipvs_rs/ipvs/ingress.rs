// SPDX-License-Identifier: GPL-2.0

//! Packets to this host, and packets that this host makes.

mod bypass;
mod complaint;
mod persist;
mod reuse;
pub(crate) mod schedule;

use ipvs_core::{
    addr::Family,
    flow::{Flow, Fragment, HeaderSource, NotOurs},
    proto::Direction,
};
use knet::{
    netfilter::{Context, Point, Verdict},
    rcu::Ref,
    skbuff::{DefragUser, Skb, Unassembled},
};

use crate::{
    conn::{table::Way, Conn},
    drops::Reason,
    egress, icmp, ipsec,
    netns::Ipvs,
    xmit,
};
use reuse::Fate;

/// A packet as a parser sees it.
pub(crate) struct Headers<'a>(pub(crate) &'a Skb);

impl HeaderSource for Headers<'_> {
    #[inline]
    fn bytes<'b>(&'b self, offset: usize, buf: &'b mut [u8]) -> Option<&'b [u8]> {
        self.0.header(offset, buf)
    }
}

/// Decides about a packet.
#[inline]
pub(crate) fn handle(ipvs: Ref<'_, Ipvs>, skb: Skb, context: &Context<'_>) -> Verdict {
    if skb.ipvs_property() || !skb.has_route() {
        return Verdict::Accept(skb);
    }
    let (skb, flow) = match parse(ipvs.get(), skb, context) {
        Ok(parsed) => parsed,
        // A packet too short to tell whose it is, is not let through to a service.
        Err(Unparsed::Mine(skb, NotOurs::NoPorts { .. })) => {
            return ipvs.drop_packet(skb, Reason::Truncated)
        }
        Err(Unparsed::Mine(skb, NotOurs::Icmp)) => return icmp::handle(ipvs, skb, context),
        Err(Unparsed::Mine(skb, NotOurs::Ipsec)) => return ipsec::handle(ipvs, skb, context),
        Err(Unparsed::Mine(skb, _)) => return Verdict::Accept(skb),
        Err(Unparsed::Taken) => return Verdict::Stolen,
    };
    match ipvs.get().conns.find(&flow.tuple(), context.rcu) {
        Some((conn, Way::Request)) => match reuse::fate(ipvs.get(), conn.get(), &skb, &flow) {
            Fate::GoesOn => request(ipvs.get(), conn.get(), skb, &flow, context),
            Fate::GivesWay => schedule::first_packet(ipvs, skb, &flow, context),
            Fate::Bypasses => bypass::request(ipvs.get(), conn.get(), skb, &flow, context),
            Fate::Waits(reason) => ipvs.drop_packet(skb, reason),
        },
        Some((conn, Way::Reply)) => egress::reply(ipvs.get(), conn.get(), skb, &flow, context),
        None if egress::refuses(ipvs.get(), &skb, &flow, context) => {
            egress::refuse(ipvs.get(), skb, &flow, context)
        }
        None => schedule::first_packet(ipvs, skb, &flow, context),
    }
}

/// Why there is no flow.
pub(crate) enum Unparsed {
    /// The packet says so.
    Mine(Skb, NotOurs),
    /// It is a fragment, and waits for the others, or was given up.
    Taken,
}

/// Reads the headers of a packet, and puts its fragments together if need be.
#[inline]
pub(crate) fn parse(ipvs: &Ipvs, skb: Skb, context: &Context<'_>) -> Result<(Skb, Flow), Unparsed> {
    match Flow::parse(&Headers(&skb)) {
        // Fragments of IPv6 were put together before, or are not to be.
        Ok(flow) if flow.fragment == Fragment::Whole || flow.family == Family::V6 => {
            Ok((skb, flow))
        }
        Ok(_) => parse_fragment(ipvs, skb, context),
        // A fragment may be so short that its ports are in the next one.
        Err(NotOurs::NoPorts { .. }) if is_fragment_v4(&skb) => parse_fragment(ipvs, skb, context),
        Err(reason) => Err(Unparsed::Mine(skb, reason)),
    }
}

/// Whether more fragments follow, or some came before.
#[cold]
fn is_fragment_v4(skb: &Skb) -> bool {
    match Headers(skb).array::<8>(0) {
        Some([first, _, _, _, _, _, flags, offset]) => {
            first >> 4 == 4 && (flags & 0x3F, offset) != (0, 0)
        }
        None => false,
    }
}

#[cold]
fn parse_fragment(ipvs: &Ipvs, skb: Skb, context: &Context<'_>) -> Result<(Skb, Flow), Unparsed> {
    let skb = whole(ipvs, skb, context).ok_or(Unparsed::Taken)?;
    match Flow::parse(&Headers(&skb)) {
        Ok(flow) => Ok((skb, flow)),
        Err(reason) => Err(Unparsed::Mine(skb, reason)),
    }
}

/// The datagram that a fragment is of, if this was the last one to come.
pub(crate) fn whole(ipvs: &Ipvs, skb: Skb, context: &Context<'_>) -> Option<Skb> {
    let user = match context.point {
        Point::LocalOut => DefragUser::IpvsOut,
        Point::Forward => DefragUser::IpvsForward,
        Point::LocalIn | Point::PreRouting | Point::PostRouting => DefragUser::IpvsIn,
    };
    match skb.defragment(context.net, user) {
        Ok(skb) => Some(skb),
        Err(Unassembled::Waits) => None,
        Err(Unassembled::Refused) => {
            ipvs.drops.count(Reason::Fragment);
            None
        }
    }
}

/// Counts a packet of a client.
#[inline]
pub(crate) fn count(ipvs: &Ipvs, conn: &Conn, skb: &Skb, context: &Context<'_>) {
    let length = skb.len();
    conn.dest
        .each_stats(context.rcu, |stats| stats.count_in(length));
    ipvs.stats.count_in(length);
}

/// Sends a packet of a client to the server of its connection.
#[inline]
fn request(ipvs: &Ipvs, conn: &Conn, skb: Skb, flow: &Flow, context: &Context<'_>) -> Verdict {
    count(ipvs, conn, &skb, context);
    conn.follow(&ipvs.settings, Direction::Input, flow, &Headers(&skb));
    conn.count_packet();
    ipvs.count_unsent(xmit::to_server(conn, skb, flow, context))
}
