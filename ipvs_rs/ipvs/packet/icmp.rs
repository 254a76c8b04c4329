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

pub(super) mod relay;
mod tunnel;

use core::sync::atomic::Ordering::Relaxed;
use ipvs_core::{
    icmp::{NoReport, Report},
    plan::{self, ErrorPlan},
    wire::{ip_version, ipv6},
};
use knet::{
    netfilter::{HookState, Verdict},
    rcu::Ref,
    skbuff::Skb,
};

use super::{
    headers::{whole, Headers},
    schedule,
};
use crate::model::{drops::Reason, Ipvs};

/// Decides about an ICMP packet.
pub(super) fn handle(ipvs: Ref<'_, Ipvs>, skb: Skb, context: &HookState<'_>) -> Verdict {
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
        Err(reason) => {
            return match plan::without_report(reason, schedules_errors(ipvs.get())) {
                Some(reason) => ipvs.drop_packet(skb, reason),
                None => Verdict::Accept(skb),
            }
        }
    };
    let found = ipvs
        .get()
        .conns
        .find(&ipvs.get().conns.key(report.tuple()), context.rcu);
    let found = found.map(|(conn, direction)| (conn.get(), direction));
    let is_backup_only = ipvs.is_backup_only.load(Relaxed);
    match plan::error(found, schedules_errors(ipvs.get()), is_backup_only) {
        ErrorPlan::ToServer(conn) => relay::to_server(ipvs.get(), conn, skb, &report, context),
        ErrorPlan::ToClient(conn) => relay::to_client(ipvs.get(), conn, skb, &report, context),
        ErrorPlan::Open => schedule::opened_by_error(ipvs, skb, &report, context),
        ErrorPlan::Pass => Verdict::Accept(skb),
    }
}

/// The sysctl `schedule_icmp`.
fn schedules_errors(ipvs: &Ipvs) -> bool {
    ipvs.settings.schedule_icmp.load(Relaxed) != 0
}

/// Reads an ICMP packet, and puts its fragments together if need be. Fails with what becomes of
/// the packet if it is not whole.
fn parse(
    ipvs: &Ipvs,
    skb: Skb,
    context: &HookState<'_>,
) -> Result<(Skb, Result<Report, NoReport>), Verdict> {
    match Report::parse(&Headers(&skb)) {
        // IPv6 is put together before it comes here, if at all.
        Err(NoReport::Fragment) if is_v6(&skb) => Err(ipvs.drop_packet(skb, Reason::Fragment)),
        Err(NoReport::Fragment) => {
            let skb = whole(skb, context).map_err(|error| ipvs.not_whole(error))?;
            let report = Report::parse(&Headers(&skb));
            Ok((skb, report))
        }
        report => Ok((skb, report)),
    }
}

/// Whether this is a packet of IPv6.
fn is_v6(skb: &Skb) -> bool {
    ip_version(&Headers(skb)) == Some(ipv6::VERSION)
}
