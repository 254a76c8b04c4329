// SPDX-License-Identifier: GPL-2.0

//! A connection: who talks to whom through us, and in which state that is.
//!
//! # Life cycle
//!
//! ```text
//!   create ──> in the table ──(no packet until `deadline`)──> unlink ──> freed after a grace period
//!                  ^    │
//!                  └────┘ each packet moves `deadline`
//! ```
//!
//! A connection may control others: a persistence template does, those of its client. It does not
//! end before them: its time starts anew, with a minute each, until the last of them is gone.
//!
//! A packet only stores the new deadline. The timer stays where it was, and when it goes off
//! before the deadline it is set anew. Only a packet that shortens the time (a FIN, say) has to
//! move the timer itself.
//!
//! # Locks
//!
//! None. State and flags change together in one atomic word; everything else that packets change
//! stands alone.

mod state;
pub(crate) mod table;

use core::sync::atomic::{fence, AtomicU32, AtomicUsize, Ordering, Ordering::Relaxed};
use ipvs_core::{
    addr::{Addr, Family},
    conn::{ConnFlags, Method},
    flow::Tuple,
};
use kernel::{alloc::flags::__GFP_NOWARN, c_str, prelude::*, static_lock_class};
use knet::{
    hashtable::Node,
    rcu::{self, Arc},
    time::{Jiffies, HZ},
    timer::{Expire, Timer},
};

use crate::{dest::Dest, netns::Ipvs};

/// The tag of the node that packets from the client find.
pub(crate) const CLIENT: u8 = 0;
/// The tag of the node that packets from the server find.
pub(crate) const SERVER: u8 = 1;

/// How long a connection lives whose first packet has not been taken account of yet.
const INITIAL_TIMEOUT: usize = 3 * HZ;

/// How long a connection whose time is over goes on to live because it controls others.
const CONTROLLER_TIMEOUT: usize = 60 * HZ;

/// In [`Conn::controlled`]: the connection has ended, and can not control any others.
const ENDED: u32 = u32::MAX;

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
    /// Flags in the lower 24 bits, the state of the protocol above.
    condition: AtomicU32,
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
    /// How many connections this one controls, or [`ENDED`].
    controlled: AtomicU32,
}

// A connection and what reference counting and RCU add to it fit in an object of the slab cache
// that the C module's 296 bytes do not fit in.
const _: () = assert!(size_of::<Conn>() + rcu::OVERHEAD <= 256);

/// Flags and protocol state of a connection at one moment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Condition(u32);

impl Condition {
    const STATE_SHIFT: u32 = 24;
    const FLAGS_MASK: u32 = (1 << Self::STATE_SHIFT) - 1;

    pub(crate) const fn new(flags: ConnFlags, state: u8) -> Self {
        // CAST: A u8 fits.
        Self(flags.bits() & Self::FLAGS_MASK | (state as u32) << Self::STATE_SHIFT)
    }

    #[inline]
    pub(crate) const fn flags(self) -> ConnFlags {
        ConnFlags::from_bits(self.0 & Self::FLAGS_MASK)
    }

    /// The number of the state in its protocol.
    #[inline]
    pub(crate) const fn state(self) -> u8 {
        // CAST: The upper 8 bits.
        (self.0 >> Self::STATE_SHIFT) as u8
    }
}

impl Conn {
    /// A connection of the packets like `request` to `dest`, that is not in the table yet.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new(
        ipvs: Arc<Ipvs>,
        dest: Arc<Dest>,
        request: &Tuple,
        server_port: u16,
        control: Option<Arc<Conn>>,
    ) -> Result<Arc<Self>> {
        let flags = ConnFlags::EMPTY.inherit(dest.conn_flags(), request.protocol);
        let server = dest.key.addr;
        let now = Jiffies::now();
        Arc::pin_init(
            pin_init!(Self {
                client_node: Node::new(CLIENT),
                server_node: Node::new(SERVER),
                client: request.src,
                virtual_addr: request.dst,
                server,
                client_port: request.sport,
                virtual_port: request.dport,
                server_port,
                protocol: request.protocol,
                family: request.family,
                condition: AtomicU32::new(Condition::new(flags, 0).0),
                packets: AtomicU32::new(0),
                deadline: AtomicUsize::new(now.after(INITIAL_TIMEOUT).ticks()),
                timeout: AtomicUsize::new(INITIAL_TIMEOUT),
                dest,
                timer <- Timer::new(c_str!("ip_vs_conn"), static_lock_class!()),
                ipvs,
                control,
                controlled: AtomicU32::new(0),
            }),
            GFP_ATOMIC | __GFP_NOWARN,
        )
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
        Condition(self.condition.load(Relaxed))
    }

    /// Moves the connection from a condition to another. Fails if it is in a third meanwhile.
    #[inline]
    pub(crate) fn change(&self, from: Condition, to: Condition) -> bool {
        from == to
            || self
                .condition
                .compare_exchange(from.0, to.0, Relaxed, Relaxed)
                .is_ok()
    }

    /// How packets get to the server.
    #[inline]
    pub(crate) fn method(&self) -> Method {
        self.condition().flags().method()
    }

    /// Counts a packet from the client.
    #[inline]
    pub(crate) fn count_packet(&self) {
        self.packets.fetch_add(1, Relaxed);
    }

    /// Lets the connection live for `seconds` from now.
    #[inline]
    pub(crate) fn refresh(&self, seconds: u32) {
        // CAST: A u32 fits.
        self.live_for((seconds as usize).saturating_mul(HZ));
    }

    /// Lets the connection live for so many ticks from now. Returns until when that is.
    #[inline]
    fn live_for(&self, timeout: usize) -> Jiffies {
        let deadline = Jiffies::now().after(timeout);
        if self.deadline.load(Relaxed) == deadline.ticks() {
            return deadline;
        }
        self.deadline.store(deadline.ticks(), Relaxed);
        // The timer can be late only where the timeout has become shorter.
        if self.timeout.load(Relaxed) != timeout {
            self.timeout.store(timeout, Relaxed);
            if deadline.since(self.timer.when()) < 0 {
                self.timer.rearm(deadline);
            }
        }
        deadline
    }

    /// Ticks until the connection ends if there are no more packets.
    pub(crate) fn remaining(&self, now: Jiffies) -> usize {
        let deadline = Jiffies::from_ticks(self.deadline.load(Relaxed));
        usize::try_from(deadline.since(now)).unwrap_or(0)
    }

    /// Whether another connection controls this one.
    #[inline]
    pub(crate) fn is_controlled(&self) -> bool {
        self.control.is_some()
    }

    /// Makes sure that the connection ends and that it controls no others, neither now nor later.
    ///
    /// Fails if it controls some, or somebody else ends it.
    fn claim_end(&self) -> bool {
        self.controlled
            .compare_exchange(0, ENDED, Relaxed, Relaxed)
            .is_ok()
    }

    /// Takes account of a connection less that this one controls.
    fn release_one(&self) {
        let fewer = |count: u32| (count != ENDED && count != 0).then(|| count.wrapping_sub(1));
        // It stays as it is if the namespace ends, and all connections with it.
        let _ = self.controlled.fetch_update(Relaxed, Relaxed, fewer);
    }

    /// Takes the connection out of the table and off the counts of its server and of the
    /// connection that controls it, once.
    fn unlink(&self) {
        if !self.ipvs.conns.remove(self) {
            return;
        }
        let was_active = !self.condition().flags().has(ConnFlags::INACTIVE);
        self.dest.unbind(was_active);
        if let Some(control) = &self.control {
            control.release_one();
        }
    }

    /// Ends the connection now, unless it controls others.
    ///
    /// Returns whether it has ended.
    pub(crate) fn end(&self) -> bool {
        let claimed = self.claim_end();
        if claimed {
            self.finish();
        }
        claimed
    }

    /// Ends the connection now, and then the one that controls it, unless that controls others.
    pub(crate) fn end_with_controller(&self) {
        if self.end() {
            if let Some(control) = &self.control {
                control.end();
            }
        }
    }

    /// Ends the connection now, whatever it controls.
    fn finish(&self) {
        self.controlled.store(ENDED, Relaxed);
        self.unlink();
        // ORDERING: Partner of the fence in `expired`: one of the two sees what the other did.
        fence(Ordering::SeqCst);
        self.timer.cancel();
    }
}

impl Expire for Conn {
    fn timer(&self) -> &Timer<Self> {
        &self.timer
    }

    fn expired(this: Arc<Self>) {
        let deadline = Jiffies::from_ticks(this.deadline.load(Relaxed));
        let deadline = if deadline.since(Jiffies::now()) > 0 {
            deadline
        } else if this.claim_end() {
            this.unlink();
            return;
        } else {
            this.live_for(CONTROLLER_TIMEOUT)
        };
        Timer::arm(&this, deadline);
        // ORDERING: Partner of the fence in `finish`, which may have cancelled too early.
        fence(Ordering::SeqCst);
        if !this.client_node.is_linked() {
            this.timer.cancel();
        }
    }
}
