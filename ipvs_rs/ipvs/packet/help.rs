// SPDX-License-Identifier: GPL-2.0

//! A packet of a connection that is bound to a helper: its checksum is checked, and the helper looks at it before
//! addresses are translated.

use ipvs_core::{
    addr::Family,
    flow::{Flow, Fragment},
    proto::Direction,
    wire::{tcp, udp},
};
use knet::{rcu::Guard, skbuff::Skb};

use crate::model::{
    conn::Conn,
    drops::Reason,
    family::netfilter_family,
    helping::{self, Payload, Transport},
};

/// Lets the helper of a connection look at a packet.
///
/// # Errors
///
/// The reason to drop it, to be counted.
#[cold]
pub(super) fn look(
    conn: &Conn,
    skb: &mut Skb,
    flow: &Flow,
    direction: Direction,
    guard: &Guard,
) -> Result<(), Reason> {
    // A fragment of IPv6 that nobody put together has no payload that could be read.
    if flow.fragment != Fragment::Whole {
        return Ok(());
    }
    let incarnation =
        helping::find(conn.protocol, conn.virtual_port, guard).ok_or(Reason::Helper)?;
    let transport = incarnation.transport;
    let (length, sequence) = match transport {
        Transport::Udp => (udp_header(skb, flow)?, 0),
        Transport::Tcp => tcp_header(skb, flow)?,
    };
    let mut payload = Payload {
        start: flow.transport.saturating_add(length),
        skb,
        family: netfilter_family(flow.family),
        transport,
        header: flow.transport,
        sequence,
        grown: 0,
    };
    let exchange = conn.exchange(direction, guard);
    let looked = incarnation
        .helper
        .packet(&exchange, conn.session(), &mut payload);
    looked.map_err(|_| Reason::Helper)?;
    // Once for all of the packet, as connection tracking keeps one change for a sequence number.
    match payload.grown {
        0 => Ok(()),
        more if payload.skb.adjust_sequence(sequence, more) => Ok(()),
        _ => Err(Reason::Helper),
    }
}

/// The length of the header of a datagram whose length and checksum are right.
fn udp_header(skb: &mut Skb, flow: &Flow) -> Result<usize, Reason> {
    let mut bytes = [0; udp::HEADER_LEN];
    let header = skb.header(flow.transport, &mut bytes);
    let Some(&[_, _, _, _, high, low, ref sum @ ..]) = header else {
        return Err(Reason::Truncated);
    };
    let has_sum = flow.family == Family::V6 || *sum != [0; 2];
    let length = usize::from(u16::from_be_bytes([high, low]));
    // The sum of a packet that stands for several is of each of them.
    if !skb.is_gso() && skb.len().checked_sub(flow.transport) != Some(length) {
        return Err(Reason::BadChecksum);
    }
    if has_sum && !is_right(skb, flow) {
        return Err(Reason::BadChecksum);
    }
    Ok(udp::HEADER_LEN)
}

/// The length of the header of a segment whose checksum is right, and its sequence number.
fn tcp_header(skb: &mut Skb, flow: &Flow) -> Result<(usize, u32), Reason> {
    let mut bytes = [0; tcp::HEADER_LEN];
    let header = skb.header(flow.transport, &mut bytes);
    let header = header.and_then(|header| header.first_chunk());
    let length = header.and_then(tcp::header_len).ok_or(Reason::Truncated)?;
    let sequence = header.map_or(0, tcp::sequence);
    if flow.transport.saturating_add(length) > skb.len() {
        return Err(Reason::Truncated);
    }
    match is_right(skb, flow) {
        true => Ok((length, sequence)),
        false => Err(Reason::BadChecksum),
    }
}

/// Whether the transport checksum is right.
fn is_right(skb: &mut Skb, flow: &Flow) -> bool {
    skb.checksum_is_right(netfilter_family(flow.family), flow.transport, flow.protocol)
}
