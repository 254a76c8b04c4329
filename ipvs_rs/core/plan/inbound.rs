// SPDX-License-Identifier: GPL-2.0

//! The plan for a packet of TCP, UDP or SCTP.

use core::ops::Deref;

use super::opening::{opening, opens, Opening, Sloppy};
use super::reuse::{gives_way, is_candidate, OldConn, Rules};
use super::{Plan, Point, Stay};
use crate::conn::ConnFlags;
use crate::drops::Reason;
use crate::flow::{Flow, FlowDirection};
use crate::proto;
use crate::wire::HeaderSource;

/// The real server of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// The server is configured.
    Available,
    /// The server was deleted.
    Deleted,
    /// Another director has sent a message about the connection, and its server is not configured here.
    Unknown,
    /// The connection never had a server: it bypasses the servers of its service.
    Absent,
}

/// A connection in the connection table, as decisions see it.
pub trait StoredConn {
    /// Its real server.
    fn server(&self) -> Server;
    /// Whether its server has weight 0, so that the server gets no new connections.
    fn is_quiesced(&self) -> bool;
    /// Whether another connection controls it.
    fn is_controlled(&self) -> bool;
    /// The number of its state in its protocol, and its flags.
    fn condition(&self) -> (u8, ConnFlags);
}

/// Facts about a packet and its network namespace. A decision asks for a fact only when it depends on the fact.
pub trait Situation {
    /// The packet.
    type Packet: HeaderSource + ?Sized;

    /// The headers of the packet.
    fn packet(&self) -> &Self::Packet;
    /// The sysctls about packets that open a connection in the place of another one.
    fn rules(&self) -> Rules;
    /// The sysctls about packets from the middle of a conversation.
    fn sloppy(&self) -> Sloppy;
    /// Whether the director is a backup only: it leaves the packets of clients alone.
    fn is_backup_only(&self) -> bool;
    /// Whether the packet comes from a real server and belongs to no connection, and there are services whose servers may begin a
    /// conversation.
    fn may_begin(&self) -> bool;
    /// Whether the packet comes from a real server and belongs to no connection, and the sysctl `nat_icmp_send` is set.
    fn is_unasked(&self) -> bool;
}

/// The plan for a packet with a flow, which the connection table has `found` under the flow's tuple.
#[inline(always)]
pub fn inbound<C: Copy + Deref<Target: StoredConn>, S: Situation>(
    point: Point,
    found: Option<(C, FlowDirection)>,
    flow: &Flow,
    situation: &S,
) -> Plan<C> {
    match (point, found) {
        (Point::Local, Some((_, FlowDirection::Request))) if situation.is_backup_only() => {
            Plan::Pass
        }
        (Point::Local, Some((conn, FlowDirection::Request))) => of_client(conn, flow, situation),
        (_, Some((conn, FlowDirection::Reply))) => Plan::ToClient(conn),
        // A packet of a client that is routed to another host is none to a service.
        (Point::Forward, _) | (Point::Local, None) if situation.may_begin() => Plan::Begin,
        (Point::Forward, _) | (Point::Local, None) => not_begun(point, flow, situation),
    }
}

/// The plan for a packet that belongs to no connection, and that begins no conversation of a real server.
#[inline(always)]
pub fn not_begun<C: Copy + Deref<Target: StoredConn>, S: Situation>(
    point: Point,
    flow: &Flow,
    situation: &S,
) -> Plan<C> {
    match point {
        _ if situation.is_unasked() => Plan::Refuse,
        Point::Forward => Plan::Pass,
        Point::Local if situation.is_backup_only() => Plan::Pass,
        Point::Local => first_packet(flow, situation),
    }
}

/// The plan for a packet whose connection has just ended for it.
///
/// As the C module does: a packet that connection tracking has assigned to the ended connection (`is_tracked`) opens no
/// other. The client sends it again, and connection tracking has forgotten the ended connection by then.
#[cold]
pub fn successor<C: Copy + Deref<Target: StoredConn>, S: Situation>(
    is_tracked: bool,
    flow: &Flow,
    situation: &S,
) -> Plan<C> {
    match is_tracked {
        true => Plan::Drop(Reason::Tracked),
        false => first_packet(flow, situation),
    }
}

/// The plan for a packet that belongs to no connection.
#[inline]
fn first_packet<C: Copy + Deref<Target: StoredConn>, S: Situation>(
    flow: &Flow,
    situation: &S,
) -> Plan<C> {
    match opening(flow, situation.packet(), situation.sloppy()) {
        Opening::Allowed => Plan::Open,
        Opening::Refused => Plan::Pass,
        Opening::Unreadable => Plan::Drop(Reason::Truncated),
    }
}

/// The plan for a packet of a client on its connection.
#[inline(always)]
fn of_client<C: Copy + Deref<Target: StoredConn>, S: Situation>(
    conn: C,
    flow: &Flow,
    situation: &S,
) -> Plan<C> {
    match conn.server() {
        Server::Available | Server::Unknown => {
            let (state, _) = conn.condition();
            let may_give_way = is_candidate(flow.protocol, state) || conn.is_quiesced();
            match flow.protocol != proto::UDP && may_give_way && replaces(conn, flow, situation) {
                true => Plan::Replace(conn, Stay::ToServer),
                false => Plan::ToServer(conn),
            }
        }
        Server::Deleted => of_deleted_server(conn, flow, situation),
        Server::Absent => of_no_server(conn, flow, situation),
    }
}

#[cold]
fn of_deleted_server<C: Copy + Deref<Target: StoredConn>, S: Situation>(
    conn: C,
    flow: &Flow,
    situation: &S,
) -> Plan<C> {
    let leaves = situation.rules().expire_nodest;
    match leaves || replaces(conn, flow, situation) {
        true => Plan::Replace(conn, Stay::Drop),
        false => Stay::Drop.plan(conn),
    }
}

#[cold]
fn of_no_server<C: Copy + Deref<Target: StoredConn>, S: Situation>(
    conn: C,
    flow: &Flow,
    situation: &S,
) -> Plan<C> {
    match replaces(conn, flow, situation) {
        true => Plan::Replace(conn, Stay::Onward),
        false => Plan::Onward(conn),
    }
}

/// Whether a packet opens a connection in the place of its own.
#[cold]
fn replaces<C: Copy + Deref<Target: StoredConn>, S: Situation>(
    conn: C,
    flow: &Flow,
    situation: &S,
) -> bool {
    if !opens(flow, situation.packet()) {
        return false;
    }
    let (state, flags) = conn.condition();
    let old = OldConn {
        protocol: flow.protocol,
        state,
        flags,
        is_controlled: conn.is_controlled(),
        is_quiesced: conn.is_quiesced(),
    };
    gives_way(&old, situation.rules())
}
