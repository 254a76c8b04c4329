// SPDX-License-Identifier: GPL-2.0

//! A relay: the connection of a client, and that of a server.
//!
//! [`ktcpvs_core::relay`] decides what happens next. This obeys it: in *turns*, which are work items in bottom halves, and for what sleeps in *slow work*, which a
//! thread does: making a connection and closing one. A thread that begins a relay, or has made a connection, has a turn itself.
//!
//! ```text
//!   accept ──> begin ──> turn ──Connect, Release, End──> slow work ──> turn, if it has connected
//!                         ^ ^                                  └──End──> finished
//!                         │ └──timer, order
//!                         └──socket
//! ```
//!
//! # References
//!
//! A relay has its streams, and each of them keeps the relay. The list of the service, a timer, queued work have references,
//! too. The end of a relay gives all of these up, in slow work; so a relay that is dropped has no streams.

mod session;
mod slow;
mod streams;
mod turn;

use core::sync::atomic::{
    AtomicBool, AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
};
use kernel::{prelude::*, static_lock_class};
use knet::{
    field::{field, Field},
    net_namespace::NetRef,
    new_spinlock_bh,
    percpu::Buffers,
    rcu::{Arc, Ref, Slot},
    spinlock::SpinLockBh,
    tcp::{Owner, Unowned},
    time::{Jiffies, HZ},
    timer::{Expire, Storage, Timer},
    work::{
        BottomHalf, BottomHalfQueue, BottomHalfWork, OpenBottomHalfQueue, OpenQueue, Queue, Work,
    },
};
use ktcpvs_core::{
    http::HEAD_MAX,
    message::{self, Endpoint, RelayFilter},
    relay::{Mode, Relay as Machine, Settings as Wants},
};

use self::{session::State, slow::Slow, streams::Streams, turn::Turn};
use super::{Body, Service};
use crate::scheduler::Reads;

/// Turns.
static TURNS: BottomHalfQueue = BottomHalfQueue::new();
/// Slow work, and accepting.
pub(super) static SLOW: Queue = Queue::new();
/// Where heads are read.
static HEADS: Slot<Heads> = Slot::empty();

/// Room for a head on each CPU.
type Heads = Buffers<HEAD_MAX>;

/// What all relays need is there as long as this exists. The module struct of `ktcpvs` holds it.
pub struct Opened {
    _turns: OpenBottomHalfQueue,
    _slow: OpenQueue,
    _heads: OpenHeads,
}

struct OpenHeads;

impl Drop for OpenHeads {
    fn drop(&mut self) {
        drop(HEADS.replace(None));
    }
}

/// Makes what all relays need. May sleep.
///
/// # Errors
///
/// `ENOMEM`.
pub fn open() -> Result<Opened> {
    let heads = Arc::new(Heads::new()?, GFP_KERNEL)?;
    drop(HEADS.replace(Some(heads)));
    let opened = OpenHeads;
    Ok(Opened {
        _turns: TURNS.open()?,
        _slow: SLOW.open(c"ktcpvs_slow")?,
        _heads: opened,
    })
}

/// What a relay is told to do.
#[derive(Clone, Copy)]
#[repr(u32)]
pub(super) enum Order {
    /// Read no more requests.
    Stop = 1,
    /// Reset everything.
    Abort = 2,
}

/// Counts a relay of a service until it was dropped.
struct Counted(Arc<Service>);

impl Counted {
    fn new(service: &Arc<Service>) -> Self {
        service.alive.fetch_add(1, Relaxed);
        Self(service.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dropped();
    }
}

/// What a relay begins with.
pub(super) struct Beginning {
    /// Its place in the list of its service.
    pub(super) place: usize,
    pub(super) net: NetRef,
    /// The client.
    pub(super) peer: Endpoint,
    /// What the scheduler reads.
    pub(super) reads: Reads,
}

/// A relay.
#[pin_data]
pub(super) struct Relay {
    service: Arc<Service>,
    net: NetRef,
    /// Its place in the list of the service.
    place: usize,
    client: Endpoint,
    /// When it has begun, in ticks.
    since: u64,
    /// Bits of [`Order`].
    orders: AtomicU32,
    /// The timer has gone off.
    is_late: AtomicBool,
    /// What streams tell now is seen anyway: a turn has locked them, and it is of its own doing; or a turn comes in any case.
    is_busy: AtomicBool,
    #[pin]
    turn: BottomHalfWork<Relay, Turn>,
    #[pin]
    slow: Work<Relay, Slow>,
    #[pin]
    timer: Timer<Relay>,
    #[pin]
    inner: SpinLockBh<Inner>,
    /// Dropped last.
    _counted: Counted,
}

/// What turns and slow work change.
struct Inner {
    streams: Streams,
    state: State,
}

impl Relay {
    /// A relay for a connection that was accepted, with a place in the list of its service. May sleep.
    pub(super) fn new(
        service: &Arc<Service>,
        beginning: Beginning,
        body: &Body,
    ) -> Result<Arc<Self>> {
        let Beginning {
            place,
            net,
            peer,
            reads,
        } = beginning;
        let wants = Wants {
            mode: match reads {
                Reads::Nothing => Mode::Connection,
                Reads::FirstHead => Mode::First,
            },
            has_redirect: body.config.redirect.is_some(),
            max_body: body.config.max_body,
            max_head: service.settings.max_head(),
            times: service.settings.times(),
        };
        let now = now();
        let inner = Inner {
            streams: Streams::new(),
            state: State::new(Machine::new(wants, now)),
        };
        let counted = Counted::new(service);
        Arc::pin_init(
            pin_init!(Self {
                service: service.clone(),
                net,
                place,
                client: peer,
                since: now,
                orders: AtomicU32::new(0),
                is_late: AtomicBool::new(false),
                is_busy: AtomicBool::new(false),
                turn <- BottomHalfWork::new(),
                slow <- Work::new(),
                timer <- Timer::new(Storage::Allocated, c"ktcpvs_relay", static_lock_class!()),
                inner <- new_spinlock_bh!(inner, "ktcpvs_relay"),
                _counted: counted,
            }),
            GFP_KERNEL_ACCOUNT,
        )
    }

    /// What is told of the relay, if a request means it.
    pub(super) fn tell(&self, filter: &RelayFilter) -> Option<message::Relay<'static>> {
        let inner = self.inner.lock();
        let (server, [bytes_in, bytes_out], requests) = inner.state.progress();
        let seconds = ticks_since(self.since).checked_div(HZ as u64);
        filter.matches(&self.client, server.as_ref()).then(|| {
            // CAST: A u32 holds the seconds of 136 years.
            message::Relay {
                client: self.client,
                server,
                state: inner.state.machine.state().as_bytes(),
                age: seconds.unwrap_or(0) as u32,
                bytes_in,
                bytes_out,
                requests,
            }
        })
    }

    /// Begins, with the connection that it was made for. May sleep.
    pub(super) fn begin(relay: &Arc<Self>, client: Unowned) -> Result {
        let client = client.own(relay.clone())?;
        relay.inner.lock().streams.client = Some(client);
        // This is a thread, so it may go on with what is slow.
        match BottomHalf::enter(|context| Turn::take(relay, context)) {
            Some(true) => Slow::serve(relay),
            Some(false) => {}
            None => Self::kick(relay.clone()),
        }
        Ok(())
    }

    /// Tells a relay to do something.
    pub(super) fn order(relay: &Arc<Self>, order: Order) {
        // CAST: The number of the variant.
        // ORDERING: Release, paired with the swap in `orders`.
        relay.orders.fetch_or(order as u32, Release);
        Self::kick(relay.clone());
    }

    /// What the relay was told to do since it was asked last: to stop, and to abort.
    fn orders(&self) -> [bool; 2] {
        if self.orders.load(Relaxed) == 0 {
            return [false; 2];
        }
        // ORDERING: Acquire, paired with `order`.
        let orders = self.orders.swap(0, Acquire);
        // CAST: The numbers of the variants.
        [Order::Stop, Order::Abort].map(|order| orders & order as u32 != 0)
    }

    /// Lets the relay have a turn.
    fn kick(relay: Arc<Self>) {
        BottomHalfWork::<Self, Turn>::queue(relay);
    }

    /// Lets a thread do the slow work of the relay.
    fn be_slow(relay: Arc<Self>) {
        Work::<Self, Slow>::queue_in(&relay, &SLOW);
    }
}

impl Owner for Relay {
    fn wake(relay: Ref<'_, Self>) {
        if relay.is_busy.load(Relaxed) {
            return;
        }
        if let Some(relay) = relay.try_clone() {
            Self::kick(relay);
        }
    }
}

impl Expire for Relay {
    const TIMER: Field<Self, Timer<Self>> = field!(Relay, timer);

    fn expired(relay: Arc<Self>) {
        // ORDERING: Release, paired with the swap in the turn, which finds the timer idle.
        relay.is_late.store(true, Release);
        Self::kick(relay);
    }
}

/// Now, in ticks.
fn now() -> u64 {
    // CAST: A u64 holds it.
    Jiffies::now().ticks() as u64
}

/// So many ticks have passed since a moment.
fn ticks_since(then: u64) -> u64 {
    now().saturating_sub(then)
}
