// SPDX-License-Identifier: GPL-2.0

//! ICMP errors about balanced connections.
//!
//! | the error is about         | it goes to | outside it gets | and the quoted packet gets |
//! |----------------------------|------------|-----------------|----------------------------|
//! | a packet of the client     | the client | the service as its source | the service as its destination |
//! | a packet of the server     | the server | the server as its destination | the server as its source |
//!
//! This is what NAT does; with other forwarding methods nothing is translated. Errors are counted
//! as packets of their direction. They neither change the state of a connection nor prolong its
//! life: anybody on the way can send one.
//!
//! With the sysctl `schedule_icmp` an error that would go to a server opens a connection where
//! there is none, so that all directors which share the packets of a client send it to the same.

mod tunnel;

use core::sync::atomic::Ordering::Relaxed;
use ipvs_core::{
    addr::Family,
    conn::Method,
    flow::HeaderSource,
    icmp::{NoReport, Report},
};
use knet::{
    netfilter::{self, Context, Verdict},
    rcu::Ref,
    skbuff::Skb,
};

use crate::{
    conn::{table::Way, Conn},
    drops::Reason,
    egress,
    ingress::{schedule, whole, Headers},
    netns::Ipvs,
    xmit::{self, nat},
};

/// Decides about an ICMP packet.
pub(crate) fn handle(ipvs: Ref<'_, Ipvs>, skb: Skb, context: &Context<'_>) -> Verdict {
    let (skb, report) = match parse(ipvs.get(), skb, context) {
        Ok(parsed) => parsed,
        Err(verdict) => return verdict,
    };
    let skb = match tunnel::handle(ipvs, skb, context) {
        Ok(verdict) => return verdict,
        Err(skb) => skb,
    };
    let report = match report {
        Ok(report) => report,
        Err(reason) => return no_report(ipvs.get(), skb, reason),
    };
    match ipvs.get().conns.find(&report.tuple(), context.rcu) {
        Some((conn, Way::Request)) => to_server(ipvs.get(), conn.get(), skb, &report, context),
        Some((conn, Way::Reply)) => to_client(ipvs.get(), conn.get(), skb, &report, context),
        None if ipvs.settings.schedule_icmp.load(Relaxed) != 0 => {
            schedule::opened_by_error(ipvs, skb, &report, context)
        }
        None => Verdict::Accept(skb),
    }
}

/// Reads an ICMP packet, and puts its fragments together if need be. Fails with what becomes of
/// the packet if it is not whole.
fn parse(
    ipvs: &Ipvs,
    skb: Skb,
    context: &Context<'_>,
) -> Result<(Skb, Result<Report, NoReport>), Verdict> {
    match Report::parse(&Headers(&skb)) {
        // IPv6 is put together before it comes here, if at all.
        Err(NoReport::Fragment) if is_v6(&skb) => Err(ipvs.drop_packet(skb, Reason::Fragment)),
        Err(NoReport::Fragment) => {
            let skb = whole(ipvs, skb, context).ok_or(Verdict::Stolen)?;
            let report = Report::parse(&Headers(&skb));
            Ok((skb, report))
        }
        report => Ok((skb, report)),
    }
}

/// Whether this is a packet of IPv6.
fn is_v6(skb: &Skb) -> bool {
    Headers(skb)
        .array::<1>(0)
        .is_some_and(|[first]| first >> 4 == 6)
}

/// What becomes of a packet that is no error of interest.
fn no_report(ipvs: &Ipvs, skb: Skb, reason: NoReport) -> Verdict {
    match reason {
        NoReport::Truncated => ipvs.drop_packet(skb, Reason::Truncated),
        NoReport::NoPorts if ipvs.settings.schedule_icmp.load(Relaxed) != 0 => {
            ipvs.drop_packet(skb, Reason::Truncated)
        }
        NoReport::Fragment | NoReport::NoPorts | NoReport::Other => Verdict::Accept(skb),
    }
}

/// Whether an error is what its sender sent. A broken one would get a right checksum here.
fn checksum_is_right(skb: &mut Skb, report: &Report) -> bool {
    let family = match report.outer.family {
        Family::V4 => netfilter::Family::V4,
        Family::V6 => netfilter::Family::V6,
    };
    skb.checksum_is_right(family, report.message(), report.outer.protocol)
}

/// Passes an error about a packet of the server on to the server.
pub(crate) fn to_server(
    ipvs: &Ipvs,
    conn: &Conn,
    mut skb: Skb,
    report: &Report,
    context: &Context<'_>,
) -> Verdict {
    if conn.method() == Method::Nat && !checksum_is_right(&mut skb, report) {
        return ipvs.drop_packet(skb, Reason::BadChecksum);
    }
    if conn.dest.is_available() {
        let length = skb.len();
        conn.dest
            .each_stats(context.rcu, |stats| stats.count_in(length));
        ipvs.stats.count_in(length);
    }
    ipvs.count_unsent(xmit::icmp_to_server(conn, skb, report, context))
}

/// Passes an error about a packet of the client on to the client.
fn to_client(
    ipvs: &Ipvs,
    conn: &Conn,
    mut skb: Skb,
    report: &Report,
    context: &Context<'_>,
) -> Verdict {
    if conn.method() == Method::Nat {
        if !checksum_is_right(&mut skb, report) {
            return ipvs.drop_packet(skb, Reason::BadChecksum);
        }
        let translated = nat::icmp_from_server(conn, &mut skb, report);
        if translated.is_err()
            || egress::reroute(ipvs, &mut skb, report.outer.family, context).is_err()
        {
            return ipvs.drop_packet(skb, Reason::NotSent);
        }
    }
    egress::count(ipvs, conn, &skb, context);
    egress::pass(conn, skb)
}
