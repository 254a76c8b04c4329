// SPDX-License-Identifier: GPL-2.0

//! Packets of a connection that is over, or whose server is gone.

use core::sync::atomic::Ordering::Relaxed;
use ipvs_core::{
    flow::Flow,
    plan::{
        self,
        reuse::{self, OldConn, Rules},
    },
    proto,
};
use knet::skbuff::Skb;

use super::headers::Headers;
use crate::model::{conn::Conn, drops::Reason, Ipvs};

/// What a packet from the client means for its connection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is one more packet of it.
    GoesOn,
    /// The connection has ended; the packet may open another.
    GivesWay,
    /// It is dropped: the client sends it again.
    Waits(Reason),
    /// It is one more packet of a connection without a server.
    Bypasses,
}

/// Decides whether a connection goes on with a packet from its client. If not, it ends here.
#[inline]
pub(super) fn fate(ipvs: &Ipvs, conn: &Conn, skb: &Skb, flow: &Flow) -> Fate {
    if !conn.dest.is_available() {
        return without_server(ipvs, conn, skb, flow);
    }
    let state = conn.condition().state();
    let may_give_way = reuse::is_candidate(flow.protocol, state) || conn.dest.is_quiesced();
    if flow.protocol != proto::UDP && may_give_way && gives_way(ipvs, conn, skb, flow) {
        return successor(conn, skb);
    }
    Fate::GoesOn
}

/// What becomes of a packet whose connection has ended for it.
///
/// As the C module does: with an entry of connection tracking that has just ended it can open no
/// other. The client sends it again, and then it has a new one.
fn successor(conn: &Conn, skb: &Skb) -> Fate {
    match conn.is_tracked() && skb.is_ct_confirmed() {
        true => Fate::Waits(Reason::Tracked),
        false => Fate::GivesWay,
    }
}

/// Ends a connection in whose place the packet opens another.
#[cold]
fn gives_way(ipvs: &Ipvs, conn: &Conn, skb: &Skb, flow: &Flow) -> bool {
    if !plan::opens(flow, &Headers(skb)) {
        return false;
    }
    let settings = &ipvs.settings;
    let rules = Rules {
        reuse: settings.conn_reuse_mode.load(Relaxed),
        leave_quiesced: settings.expire_nodest_conn.load(Relaxed) != 0,
    };
    let condition = conn.condition();
    let old = OldConn {
        protocol: flow.protocol,
        state: condition.state(),
        flags: condition.flags(),
        is_controlled: conn.is_controlled(),
        is_quiesced: conn.dest.is_quiesced(),
    };
    // One that controls others goes on: two with the same ends could not be told apart.
    reuse::gives_way(&old, rules) && ends_for(conn, skb)
}

/// Ends a connection in whose place a packet opens another.
///
/// The entry of connection tracking that the packet has goes on with the new one, unless it is
/// that of the old one.
fn ends_for(conn: &Conn, skb: &Skb) -> bool {
    if conn.is_tracked() && !skb.is_ct_confirmed() {
        conn.leave_tracking();
    }
    conn.end().has_ended()
}

/// Decides about a connection whose server was deleted, or that never had one.
#[cold]
fn without_server(ipvs: &Ipvs, conn: &Conn, skb: &Skb, flow: &Flow) -> Fate {
    if conn.dest.is_nobody() {
        return match gives_way(ipvs, conn, skb, flow) {
            true => successor(conn, skb),
            false => Fate::Bypasses,
        };
    }
    let ends = gives_way(ipvs, conn, skb, flow)
        || ipvs.settings.expire_nodest_conn.load(Relaxed) != 0 && ends_for(conn, skb);
    match ends {
        true => successor(conn, skb),
        false => Fate::Waits(Reason::ServerDeleted),
    }
}
