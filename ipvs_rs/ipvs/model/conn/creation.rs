// SPDX-License-Identifier: GPL-2.0

//! How a connection is made, and counted at its server.

use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};
use ipvs_core::{addr::Addr, conn::ConnFlags, sync::Announced};
use kernel::{c_str, prelude::*, static_lock_class};
use knet::{
    hashtable::Node,
    rcu::{Arc, Gathered, Guard, OnceArc, Ref, Retired},
    slab::{ArcCache, OpenedCache},
    time::{Jiffies, HZ},
    timer::{Storage, Timer},
};

use super::{
    condition::{Condition, SharedCondition},
    control::{self, ControlledCount, ControllerRef},
    table::TableKey,
    Conn, CLIENT, SERVER, TEMPLATE,
};
use crate::model::{attachment::Attachment, dest::Dest, drops::Reason, passages::PassageId, Ipvs};

/// The memory of all connections.
static CONNECTIONS: ArcCache<Conn> = ArcCache::new();

impl Gathered for Conn {
    // There are 256 bytes of each.
    const ALIGN: usize = 64;

    fn retired() -> &'static Retired<Self> {
        static RETIRED: Retired<Conn> = Retired::new();
        &RETIRED
    }
}

/// The right to make connections. The module struct holds it, and drops it after all namespaces.
pub struct ConnMemory(#[expect(dead_code, reason = "held until the end")] OpenedCache<Conn>);

impl ConnMemory {
    /// Prepares the memory of connections.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn open() -> Result<Self> {
        Ok(Self(CONNECTIONS.open(c_str!("ip_vs_conn"))?))
    }
}

/// The time of a new connection until its first packet is followed, in ticks.
// CAST: `HZ` is 1,000 at most.
const INITIAL_TIMEOUT: u32 = 3 * HZ as u32;

/// The packet that makes a connection, as far as the connection keeps it.
#[derive(Clone, Copy)]
pub(crate) struct FirstPacket<'a> {
    /// The two ends of the packets of the client.
    pub(crate) key: &'a TableKey,
    /// The firewall mark of the packet.
    pub(crate) mark: u32,
}

/// The server that a new connection gets.
#[derive(Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(crate) dest: &'a Arc<Dest>,
    /// The port of the server, in host order.
    pub(crate) port: u16,
    /// The flags that the server gives to its connections, which include the forwarding method.
    pub(crate) flags: ConnFlags,
}

/// The role of a new connection.
pub(crate) enum Role<'a> {
    /// An ordinary connection, which another connection may control.
    Connection { control: Option<ControllerRef> },
    /// A connection or a template that another director has sent a message about, or that was saved. A template may control it.
    Learned {
        learned: &'a Learned,
        control: Option<ControllerRef>,
        /// The data of a persistence engine, in a template.
        engine_data: Option<Arc<Attachment>>,
    },
    /// A persistence template: the server of a client is kept for `timeout` ticks. It is made together with the
    /// first connection that it controls.
    Template {
        timeout: u32,
        /// The data of the service's persistence engine.
        engine_data: Option<Arc<Attachment>>,
    },
}

/// The part of a message about a connection, or of a saved connection, that the connection keeps.
#[derive(Clone, Copy)]
pub(crate) struct Learned {
    /// The address of the real server, in network order. It is that of the [`Target`], if the director has this server.
    pub(crate) server: Addr,
    /// The flags, which include the forwarding method. A message gives [`ConnFlags::SYNC`].
    pub(crate) flags: ConnFlags,
    /// The number of the state in its protocol.
    pub(crate) state: u8,
    /// The time until the connection ends without a packet or a message, in ticks.
    pub(crate) timeout: u32,
    /// The number of packets from the client that the connection counts from here on.
    pub(crate) packets: u32,
    /// The time that is left of the connection, in ticks, where it is not `timeout`.
    pub(crate) rest: Option<u32>,
    /// Whether the connection was saved. No other director knows of it, and its flags are complete.
    pub(crate) is_saved: bool,
}

/// The fields of a new connection that depend on its [`Role`].
struct Beginning {
    tag: u8,
    condition: Condition,
    server: Addr,
    packets: u32,
    /// In ticks.
    timeout: u32,
    /// The time until the end without a packet, in ticks.
    rest: u32,
    control: Option<ControllerRef>,
    controlled: u32,
    engine_data: Option<Arc<Attachment>>,
    announced: Announced,
}

impl Beginning {
    #[inline(always)]
    fn new(role: Role<'_>, target: &Target<'_>, protocol: u8, is_tracked: bool) -> Self {
        let tracking = match is_tracked {
            true => ConnFlags::NFCT,
            false => ConnFlags::EMPTY,
        };
        let made_here = |tag, flags: ConnFlags, timeout, control, controlled| Self {
            tag,
            condition: Condition::new(flags.with(tracking).inherit(target.flags, protocol), 0),
            server: target.dest.key.addr,
            packets: 0,
            timeout,
            rest: timeout,
            control,
            controlled,
            engine_data: None,
            announced: Announced::NEVER,
        };
        match role {
            Role::Connection { control } => {
                made_here(CLIENT, ConnFlags::EMPTY, INITIAL_TIMEOUT, control, 0)
            }
            Role::Template {
                timeout,
                engine_data,
            } => Self {
                engine_data,
                ..made_here(TEMPLATE, ConnFlags::TEMPLATE, timeout, None, 1)
            },
            Role::Learned {
                learned,
                control,
                engine_data,
            } => Self {
                control,
                engine_data,
                ..Self::told(learned, tracking)
            },
        }
    }

    /// That of a connection that another director has told of, or that was saved.
    #[cold]
    fn told(learned: &Learned, tracking: ConnFlags) -> Self {
        let rest = learned.rest.unwrap_or(learned.timeout);
        let (flags, announced) = match learned.is_saved {
            true => (learned.flags, Announced::NEVER),
            false => (
                learned.flags.with(tracking),
                // CAST: The lower half.
                Announced::of_state(
                    learned.state,
                    Jiffies::now().after(rest as usize).ticks() as u32,
                ),
            ),
        };
        Self {
            tag: match flags.has(ConnFlags::TEMPLATE) {
                true => TEMPLATE,
                false => CLIENT,
            },
            condition: Condition::new(flags, learned.state),
            server: learned.server,
            packets: learned.packets,
            timeout: learned.timeout,
            rest,
            control: None,
            controlled: 0,
            engine_data: None,
            announced,
        }
    }
}

/// Why a connection was not made.
pub(crate) enum Refused {
    /// There is one with the same tuple: another packet of the same client was faster.
    Exists,
    /// There are too many connections, or there is no memory. The reason is to be counted.
    Drop(Reason),
}

impl Conn {
    /// Makes a connection to `target` for `first` and packets like it, adds it to the table and counts it at its server.
    ///
    /// # Errors
    ///
    /// See [`Refused`].
    pub(crate) fn enter(
        ipvs: Ref<'_, Ipvs>,
        target: Target<'_>,
        first: &FirstPacket<'_>,
        role: Role<'_>,
        guard: &Guard,
    ) -> Result<Arc<Self>, Refused> {
        Self::enter_beside(ipvs, target, first, role, None, guard)
    }

    /// As [`enter`](Self::enter). The connection may have the same tuples as `other`, and is found in its place.
    ///
    /// # Errors
    ///
    /// See [`Refused`].
    #[inline]
    pub(crate) fn enter_beside(
        ipvs: Ref<'_, Ipvs>,
        target: Target<'_>,
        first: &FirstPacket<'_>,
        role: Role<'_>,
        other: Option<&Self>,
        guard: &Guard,
    ) -> Result<Arc<Self>, Refused> {
        let conns = &ipvs.get().conns;
        // CAST: The sysctl accepts no negative number.
        if !conns.reserve(ipvs.settings.conn_max.load(Relaxed) as usize) {
            return Err(Refused::Drop(Reason::ConnMax));
        }
        let make = || {
            let made = ipvs.try_clone().and_then(|owner| {
                let conn = Self::new(owner, target, first, role, Storage::Allocated);
                CONNECTIONS.pin_init(conn, guard).ok()
            });
            let conn = made.ok_or(Refused::Drop(Reason::NoMemory))?;
            conn.bind();
            conn.bind_helper(guard);
            match conns.insert(&conn, first.key, other, guard) {
                Some(()) => Ok(conn),
                None => {
                    // It was not counted as expected.
                    conn.condition.remove(ConnFlags::NO_CLIENT_PORT);
                    conn.unbind();
                    Err(Refused::Exists)
                }
            }
        };
        make().inspect_err(|_| conns.release())
    }

    /// Calls `use_it` with a connection to `target` for one packet. The connection is on the stack, it is not in the
    /// table, and it ends with the call.
    ///
    /// # Errors
    ///
    /// The reason for which there is no connection, to be counted.
    pub(crate) fn lend<R>(
        ipvs: Ref<'_, Ipvs>,
        target: Target<'_>,
        first: &FirstPacket<'_>,
        control: Option<ControllerRef>,
        guard: &Guard,
        use_it: impl FnOnce(&Self) -> R,
    ) -> Result<R, Reason> {
        let conns = &ipvs.get().conns;
        // CAST: The sysctl accepts no negative number.
        if !conns.reserve(ipvs.settings.conn_max.load(Relaxed) as usize) {
            return Err(Reason::ConnMax);
        }
        let result = ipvs.try_clone().map(|owner| {
            let role = Role::Connection { control };
            let conn = Self::new(owner, target, first, role, Storage::Stack);
            pin_init::stack_pin_init!(let conn = conn);
            conn.bind_helper(guard);
            let result = use_it(&conn);
            conn.unbind_helper(conn.condition().flags());
            control::release(conn.control.as_ref());
            result
        });
        conns.release();
        // `try_clone` fails only while the namespace ends.
        result.ok_or(Reason::ServiceDeleted)
    }

    /// A connection that is not in the table yet.
    // As a function of its own it would cost a new connection 120 instructions more: all fields would be written twice.
    #[inline(always)]
    fn new(
        ipvs: Arc<Ipvs>,
        target: Target<'_>,
        first: &FirstPacket<'_>,
        role: Role<'_>,
        storage: Storage,
    ) -> impl PinInit<Self> {
        let (request, mark) = (*first.key.tuple(), first.mark);
        let is_tracked = ipvs.settings.conntrack.load(Relaxed) != 0;
        let Beginning {
            tag,
            condition,
            server,
            packets,
            timeout,
            rest,
            control,
            controlled,
            engine_data,
            announced,
        } = Beginning::new(role, &target, request.protocol, is_tracked);
        let (dest, server_port) = (target.dest.clone(), target.port);
        let now = Jiffies::now();
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
            condition: SharedCondition::new(condition),
            packets: AtomicU32::new(packets),
            // CAST: A u32 fits.
            deadline: AtomicUsize::new(now.after(rest as usize).ticks()),
            timeout: AtomicU32::new(timeout),
            controlled: ControlledCount::new(controlled),
            dest,
            timer <- Timer::new(storage, c_str!("ip_vs_conn"), static_lock_class!()),
            ipvs,
            control: control.and_then(ControllerRef::keep),
            mark,
            attachment: OnceArc::new(engine_data),
            announced: AtomicU32::new(announced.bits()),
            to_server: PassageId::new(),
            to_client: PassageId::new(),
        })
    }

    /// Counts the connection at its server.
    fn bind(&self) {
        match self.is_template() {
            true => self.dest.bind_template(),
            false => {
                self.dest.bind();
                if !self.condition().flags().has(ConnFlags::INACTIVE) {
                    self.dest.count_active(true);
                }
            }
        }
    }

    /// Takes the connection off the counts of its server and of the connection that controls it.
    pub(super) fn unbind(&self) {
        // Packets that still hold the connection do not change the counts any more: see `Conn::advance`.
        let last = self
            .condition
            .add(Condition::new(ConnFlags::ENDED, 0))
            .flags();
        match last.has(ConnFlags::TEMPLATE) {
            true => self.dest.unbind_template(),
            false => self.dest.unbind(!last.has(ConnFlags::INACTIVE)),
        }
        self.unbind_helper(last);
        control::release(self.control.as_ref());
    }
}
