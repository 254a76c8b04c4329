// SPDX-License-Identifier: GPL-2.0

//! A connection: a client, a virtual service and a real server, and the state of their conversation.
//!
//! # Locks
//!
//! None. State and flags change together in one atomic word. Every other field that packets change stands alone.

pub(crate) mod announce;
pub(crate) mod condition;
pub(crate) mod control;
mod creation;
mod expected;
mod helper;
mod learn;
mod life;
mod state;
pub(crate) mod table;
mod tracking;
mod tuples;

use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};
use ipvs_core::{
    addr::{Addr, Family},
    conn::{ConnFlags, Method},
    engine::EngineData,
};
use kernel::prelude::*;
use knet::{
    hashtable::Node,
    netfilter::Verdict,
    rcu::{Arc, OnceArc, Ref},
    skbuff::Skb,
    timer::Timer,
};

use super::{
    attachment::Attachment, dest::Dest, drops::Reason, passages::PassageId, settings::Settings,
    Ipvs,
};
use condition::{Condition, SharedCondition};
use control::ControlledCount;

pub use creation::ConnMemory;
pub(crate) use creation::{FirstPacket, Learned, Refused, Role, Target};

/// The tag of the node that packets from the client find, and packets to the client with the virtual address.
pub(crate) const CLIENT: u8 = 0;
/// The tag of the node that packets from the server find with NAT.
pub(crate) const SERVER: u8 = 1;
/// The tag of the only node of a template. No packet finds it.
pub(crate) const TEMPLATE: u8 = 2;

/// The server port that listings show for an invalidated template.
const NO_PORT: u16 = 0xFFFF;

/// A connection, or a persistence template.
///
/// Addresses and ports never change. The order of the fields is the order in memory that the packet path was
/// measured with.
#[pin_data]
pub(crate) struct Conn {
    /// Links for packets from the client, or for a template. Changed when the connection enters and leaves the table.
    client_node: Node<Conn>,
    /// Links for packets from the server with NAT. Changed when the connection enters and leaves the table.
    server_node: Node<Conn>,
    /// The address of the client, in network order. Never changes.
    pub(crate) client: Addr,
    /// The address of the virtual service, in network order. Never changes.
    pub(crate) virtual_addr: Addr,
    /// The address of the real server, in network order. Never changes.
    pub(crate) server: Addr,
    /// The port of the client, in host order. Never changes.
    pub(crate) client_port: u16,
    /// The port of the virtual service, in host order. Never changes.
    pub(crate) virtual_port: u16,
    /// The port of the real server, in host order. Never changes.
    pub(crate) server_port: u16,
    /// The number of the transport protocol. Never changes.
    pub(crate) protocol: u8,
    /// The family of the client and the virtual service; the server may have the other. Never changes.
    pub(crate) family: Family,
    /// Flags and protocol state. Changed by packets, and by the end of the connection.
    condition: SharedCondition,
    /// The number of packets from the client. Changed by packets.
    packets: AtomicU32,
    /// The time at which the connection ends without more packets, in ticks (jiffies). Changed by packets.
    deadline: AtomicUsize,
    /// The time without packets that the present state allows, in ticks. Changed by packets.
    timeout: AtomicU32,
    /// The number of connections that this one controls. Changed when they begin and end.
    controlled: ControlledCount,
    /// The real server. Never changes.
    pub(crate) dest: Arc<Dest>,
    /// Goes off at the deadline or before it. Changed by packets that shorten the time, and by itself.
    #[pin]
    timer: Timer<Conn>,
    /// The namespace. Never changes.
    ipvs: Arc<Ipvs>,
    /// The connection that controls this one, and counts it while it is in the table. Never changes.
    control: Option<Arc<Conn>>,
    /// The firewall mark of the packet that made the connection. Never changes.
    pub(crate) mark: u32,
    /// The data of a persistence engine, in a template, or the session of a helper. Set before the connection is in the table.
    attachment: OnceArc<Attachment>,
    /// The bits of [`Announced`](ipvs_core::sync::Announced). Changed by packets, and by the threads of a daemon.
    announced: AtomicU32,
    /// The way of packets to the server. Changed by packets.
    pub(crate) to_server: PassageId,
    /// The way of packets to the client. Changed by packets.
    pub(crate) to_client: PassageId,
}

// A connection with its reference count and RCU head, of which 16 fit into a page. The C module's connection has 296 bytes.
// Lock debugging needs more room.
#[cfg(not(CONFIG_LOCKDEP))]
const _: () = assert!(size_of::<Conn>() + knet::rcu::OVERHEAD <= 256);

impl Conn {
    /// Whether this is a persistence template.
    #[inline]
    pub(crate) fn is_template(&self) -> bool {
        self.client_node.tag() == TEMPLATE
    }

    /// Whether the connection is in the table, so that it has not ended.
    #[inline]
    pub(crate) fn is_in_table(&self) -> bool {
        self.client_node.is_linked()
    }

    /// The data of a persistence engine, in a template.
    pub(crate) fn engine_data(&self) -> Option<EngineData<'_>> {
        self.attachment.get()?.engine_data()
    }

    /// The present flags and state.
    #[inline]
    pub(crate) fn condition(&self) -> Condition {
        self.condition.get()
    }

    /// The port of the server as listings show it, in host order.
    pub(crate) fn listed_port(&self) -> u16 {
        match self.is_invalidated() {
            true => NO_PORT,
            false => self.server_port,
        }
    }

    /// The settings of the namespace.
    #[inline]
    pub(crate) fn settings(&self) -> &Settings {
        &self.ipvs.settings
    }

    /// The namespace.
    #[inline]
    pub(crate) fn ipvs(&self) -> Ref<'_, Ipvs> {
        self.ipvs.as_ref()
    }

    /// The forwarding method.
    #[inline]
    pub(crate) fn method(&self) -> Method {
        self.condition().flags().method()
    }

    /// Whether connection tracking has an entry for the connection.
    #[inline]
    pub(crate) fn is_tracked(&self) -> bool {
        self.condition().flags().has(ConnFlags::NFCT)
    }

    /// Lets the entry of connection tracking outlive the connection.
    pub(crate) fn leave_tracking(&self) {
        self.condition.remove(ConnFlags::NFCT);
    }

    /// Whether the connection is for one packet only.
    pub(crate) fn is_one_packet(&self) -> bool {
        self.condition().flags().has(ConnFlags::ONE_PACKET)
    }

    /// Counts and frees a packet that goes no further.
    #[cold]
    pub(crate) fn give_up(&self, skb: Skb, reason: Reason) -> Verdict {
        self.ipvs.drops.count(reason);
        drop(skb);
        Verdict::Stolen
    }

    /// Counts a packet that could not be sent and was freed.
    #[cold]
    pub(crate) fn not_sent(&self) -> Verdict {
        self.ipvs.drops.count(Reason::NotSent);
        Verdict::Stolen
    }

    /// The number of packets from the client.
    pub(crate) fn packets(&self) -> u32 {
        self.packets.load(Relaxed)
    }

    /// Counts a packet from the client. Returns its number, from 1 on.
    #[inline]
    pub(crate) fn count_packet(&self) -> u32 {
        self.packets.fetch_add(1, Relaxed).wrapping_add(1)
    }
}
