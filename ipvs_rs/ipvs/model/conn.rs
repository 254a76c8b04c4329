// SPDX-License-Identifier: GPL-2.0

//! A connection: who talks to whom through us, and in which state that is.
//!
//! # Locks
//!
//! None. State and flags change together in one atomic word; everything else that packets change
//! stands alone.

mod condition;
pub(crate) mod control;
mod life;
mod state;
pub(crate) mod table;
mod tracking;

use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};
use ipvs_core::{
    addr::{Addr, Family},
    conn::{ConnFlags, Method},
    flow::Tuple,
};
use kernel::{alloc::flags::__GFP_NOWARN, c_str, prelude::*, static_lock_class};
use knet::{
    hashtable::Node,
    netfilter::Verdict,
    rcu::{Arc, Guard, Ref},
    time::{Jiffies, HZ},
    timer::{Storage, Timer},
};

use super::{dest::Dest, drops::Reason, settings::Settings, Ipvs};
use condition::{Condition, SharedCondition};
use control::{Control, Controlled};

/// The tag of the node that packets from the client find, and those to it in the name of the service.
pub(crate) const CLIENT: u8 = 0;
/// The tag of the node that packets from the server find with NAT.
pub(crate) const SERVER: u8 = 1;
/// The tag of the only node of a template, which no packet finds.
pub(crate) const TEMPLATE: u8 = 2;

/// The port that listings show as that of the server of an invalidated template.
const NO_PORT: u16 = 0xFFFF;

/// How long a connection lives whose first packet has not been taken account of yet.
const INITIAL_TIMEOUT: usize = 3 * HZ;

/// Where a connection is to go.
#[derive(Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(crate) dest: &'a Arc<Dest>,
    /// The port of the server.
    pub(crate) port: u16,
    /// What a connection to it starts with, the forwarding method included.
    pub(crate) flags: ConnFlags,
}

/// A connection.
#[pin_data]
pub(crate) struct Conn {
    client_node: Node<Conn>,
    server_node: Node<Conn>,
    pub(crate) client: Addr,
    pub(crate) virtual_addr: Addr,
    pub(crate) server: Addr,
    pub(crate) client_port: u16,
    pub(crate) virtual_port: u16,
    pub(crate) server_port: u16,
    pub(crate) protocol: u8,
    pub(crate) family: Family,
    condition: SharedCondition,
    /// Packets from the client so far.
    packets: AtomicU32,
    deadline: AtomicUsize,
    /// The time without packets that the current state allows, in ticks.
    timeout: AtomicUsize,
    pub(crate) dest: Arc<Dest>,
    #[pin]
    timer: Timer<Conn>,
    ipvs: Arc<Ipvs>,
    /// The connection that controls this one; it counts this one as long as this one is in the
    /// table.
    control: Option<Arc<Conn>>,
    controlled: Controlled,
}

// A connection and what reference counting and RCU add to it fit in an object of the slab cache
// that the C module's 296 bytes do not fit in; lock debugging needs more room.
#[cfg(not(CONFIG_LOCKDEP))]
const _: () = assert!(size_of::<Conn>() + knet::rcu::OVERHEAD <= 256);

/// What a new connection is.
pub(crate) enum Role {
    /// A conversation, controlled by another connection perhaps.
    Connection { control: Option<Control> },
    /// The memory of a client's server for so many ticks, made for a first connection that it
    /// controls.
    Template { timeout: u32 },
}

/// Why a connection was not made.
pub(crate) enum Refused {
    /// There is one with the same ends; another packet of the same client was faster.
    Exists,
    /// There is no room.
    Drop(Reason),
}

impl Conn {
    /// Makes a connection of the packets like `request` to `target` that can be found, and counts it.
    ///
    /// # Errors
    ///
    /// See [`Refused`].
    pub(crate) fn enter(
        ipvs: Ref<'_, Ipvs>,
        target: Target<'_>,
        request: &Tuple,
        role: Role,
        guard: &Guard,
    ) -> Result<Arc<Self>, Refused> {
        let conns = &ipvs.get().conns;
        // CAST: The sysctl accepts no negative number.
        if !conns.reserve(ipvs.settings.conn_max.load(Relaxed) as usize) {
            return Err(Refused::Drop(Reason::ConnMax));
        }
        let make = || {
            let made = ipvs.try_clone().and_then(|owner| {
                let conn = Self::new(owner, target, request, role, Storage::Allocated);
                Arc::pin_init(conn, GFP_ATOMIC | __GFP_NOWARN).ok()
            });
            let conn = made.ok_or(Refused::Drop(Reason::NoMemory))?;
            conn.bind();
            match conns.insert(&conn, guard) {
                Some(()) => Ok(conn),
                None => {
                    conn.unbind();
                    Err(Refused::Exists)
                }
            }
        };
        make().inspect_err(|_| conns.release())
    }

    /// Lends `use_it` a connection to `target` that is for one packet only: nobody else can find it,
    /// and it ends with the call. It takes no memory but the stack's.
    ///
    /// # Errors
    ///
    /// Why there can be none.
    pub(crate) fn lend<R>(
        ipvs: Ref<'_, Ipvs>,
        target: Target<'_>,
        request: &Tuple,
        control: Option<Control>,
        use_it: impl FnOnce(&Self) -> R,
    ) -> Result<R, Reason> {
        let conns = &ipvs.get().conns;
        // CAST: The sysctl accepts no negative number.
        if !conns.reserve(ipvs.settings.conn_max.load(Relaxed) as usize) {
            return Err(Reason::ConnMax);
        }
        let result = ipvs.try_clone().map(|owner| {
            let role = Role::Connection { control };
            let conn = Self::new(owner, target, request, role, Storage::Stack);
            pin_init::stack_pin_init!(let conn = conn);
            let result = use_it(&conn);
            control::release(conn.control.as_ref());
            result
        });
        conns.release();
        // Without an owner the namespace ends.
        result.ok_or(Reason::ServiceDeleted)
    }

    /// A connection that is not in the table yet.
    fn new(
        ipvs: Arc<Ipvs>,
        target: Target<'_>,
        request: &Tuple,
        role: Role,
        place: Storage,
    ) -> impl PinInit<Self> {
        let (tag, flags, timeout, control, controlled) = match role {
            Role::Connection { control } => (CLIENT, ConnFlags::EMPTY, INITIAL_TIMEOUT, control, 0),
            // CAST: A u32 fits.
            Role::Template { timeout } => {
                (TEMPLATE, ConnFlags::TEMPLATE, timeout as usize, None, 1)
            }
        };
        let flags = match ipvs.settings.conntrack.load(Relaxed) {
            0 => flags,
            _ => flags.with(ConnFlags::NFCT),
        };
        let flags = flags.inherit(target.flags, request.protocol);
        let (server, server_port) = (target.dest.key.addr, target.port);
        let now = Jiffies::now();
        let (dest, request) = (target.dest.clone(), *request);
        pin_init!(Self {
            client_node: Node::new(tag),
            server_node: Node::new(SERVER),
            client: request.src,
            virtual_addr: request.dst,
            server,
            client_port: request.sport,
            virtual_port: request.dport,
            server_port,
            protocol: request.protocol,
            family: request.family,
            condition: SharedCondition::new(Condition::new(flags, 0)),
            packets: AtomicU32::new(0),
            deadline: AtomicUsize::new(now.after(timeout).ticks()),
            timeout: AtomicUsize::new(timeout),
            dest,
            timer <- Timer::new(place, c_str!("ip_vs_conn"), static_lock_class!()),
            ipvs,
            control: control.and_then(Control::keep),
            controlled: Controlled::new(controlled),
        })
    }

    /// Counts the connection at its server.
    fn bind(&self) {
        match self.is_template() {
            true => self.dest.bind_template(),
            false => self.dest.bind(),
        }
    }

    /// Takes the connection off the counts of its server and of the connection that controls it.
    fn unbind(&self) {
        // What packets that are still on their way do to it does not count any more.
        let last = self
            .condition
            .add(Condition::new(ConnFlags::ENDED, 0))
            .flags();
        match last.has(ConnFlags::TEMPLATE) {
            true => self.dest.unbind_template(),
            false => self.dest.unbind(!last.has(ConnFlags::INACTIVE)),
        }
        control::release(self.control.as_ref());
    }

    /// Whether this is a persistence template.
    #[inline]
    pub(crate) fn is_template(&self) -> bool {
        self.client_node.tag() == TEMPLATE
    }

    /// Whether packets from the server have an end of their own, by which they are found.
    #[inline]
    fn has_server_node(&self) -> bool {
        !self.is_template() && matches!(self.method(), Method::Nat)
    }

    /// The ends of a packet from the client.
    #[inline]
    pub(crate) fn request(&self) -> Tuple {
        Tuple {
            src: self.client,
            sport: self.client_port,
            dst: self.virtual_addr,
            dport: self.virtual_port,
            protocol: self.protocol,
            family: self.family,
        }
    }

    /// The ends of a packet from the server.
    ///
    /// With NAT it still has the server's address; otherwise the server answers in the name of
    /// the virtual service.
    #[inline]
    pub(crate) fn reply(&self) -> Tuple {
        let (src, sport) = match self.method() {
            Method::Nat => (self.server, self.server_port),
            _ => (self.virtual_addr, self.virtual_port),
        };
        Tuple {
            src,
            sport,
            dst: self.client,
            dport: self.client_port,
            protocol: self.protocol,
            family: self.family,
        }
    }

    /// Flags and state of now.
    #[inline]
    pub(crate) fn condition(&self) -> Condition {
        self.condition.get()
    }

    /// The server's port as listings show it.
    pub(crate) fn listed_port(&self) -> u16 {
        match self.is_invalidated() {
            true => NO_PORT,
            false => self.server_port,
        }
    }

    /// The settings of its namespace.
    #[inline]
    pub(crate) fn settings(&self) -> &Settings {
        &self.ipvs.settings
    }

    /// How packets get to the server.
    #[inline]
    pub(crate) fn method(&self) -> Method {
        self.condition().flags().method()
    }

    /// Whether connection tracking knows of it.
    #[inline]
    pub(crate) fn is_tracked(&self) -> bool {
        self.condition().flags().has(ConnFlags::NFCT)
    }

    /// Lets connection tracking go on when this connection has ended.
    pub(crate) fn leave_tracking(&self) {
        self.condition.remove(ConnFlags::NFCT);
    }

    /// Whether it is for one packet only.
    pub(crate) fn is_one_packet(&self) -> bool {
        self.condition().flags().has(ConnFlags::ONE_PACKET)
    }

    /// Counts a packet that could not be sent on, and is gone.
    #[cold]
    pub(crate) fn not_sent(&self) -> Verdict {
        self.ipvs.drops.count(Reason::NotSent);
        Verdict::Stolen
    }

    /// How many packets came from the client so far.
    pub(crate) fn packets(&self) -> u32 {
        self.packets.load(Relaxed)
    }

    /// Counts a packet from the client.
    #[inline]
    pub(crate) fn count_packet(&self) {
        self.packets.fetch_add(1, Relaxed);
    }
}
