// SPDX-License-Identifier: GPL-2.0

//! What connection tracking makes of our packets.
//!
//! | sysctl `conntrack`  | 0          | 1                                                               |
//! |---------------------|------------|-----------------------------------------------------------------|
//! | NAT                 | not tracked | one entry for both sides of the director: answers are expected from the server |
//! | a tunnel            | as below   | the entry of the client's packet stays                          |
//! | direct routing, local | not tracked | tracked as any packet                                         |
//! | the packet of a tunnel itself | tracked as any packet | the same                                   |
//! | a connection ends   |            | its entry ends, too                                             |
//!
//! Tracked, packets can be matched by state and mark, and masqueraded. What holds for a
//! connection is decided when it begins.

use ipvs_core::conn::Method;
use knet::{netfilter::conntrack::TupleEnd, skbuff::Skb};

use crate::model::{conn::Conn, family::netfilter_family};

/// Of a packet of the client, on its way to the server, but not in a tunnel.
#[inline]
pub(super) fn request(conn: &Conn, skb: &mut Skb) {
    match conn.is_tracked() {
        false => skb.untrack(),
        true => translate(conn, skb, Side::Server),
    }
}

/// Of a packet of the server, on its way to the client.
#[inline]
pub(super) fn reply(conn: &Conn, skb: &mut Skb) {
    match conn.is_tracked() {
        false => skb.untrack(),
        true => translate(conn, skb, Side::Client),
    }
}

/// Who has sent a packet that is the first one that connection tracking has seen.
enum Side {
    Client,
    Server,
}

/// Lets connection tracking know how the answers to the first packet will look.
#[cold]
fn translate(conn: &Conn, skb: &mut Skb, to: Side) {
    if conn.method() != Method::Nat || conn.is_one_packet() {
        return;
    }
    let (end, addr, port) = match to {
        Side::Server => (TupleEnd::Source, conn.server, conn.server_port),
        Side::Client => (TupleEnd::Destination, conn.virtual_addr, conn.virtual_port),
    };
    if conn.is_helped() {
        skb.follow_sequence();
    }
    let family = netfilter_family(conn.family);
    skb.alter_reply(family, end, addr.octets(), port);
}

/// Of a packet of the client that is about to travel in another one.
///
/// Returns whether it may.
pub(super) fn enclose(conn: &Conn, skb: &mut Skb) -> bool {
    let goes_on = !conn.is_tracked() || skb.confirm_ct();
    skb.reset_ct();
    goes_on
}
