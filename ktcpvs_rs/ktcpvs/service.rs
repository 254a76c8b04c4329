// SPDX-License-Identifier: GPL-2.0

//! A service: what listens, its relays, and what it is configured to.
//!
//! ```text
//!   new ──> stopped ──start──> running ──stop──> draining ──no relay is left──> stopped ──> deleted
//! ```

mod automaton;
mod body;
mod relay;
mod relays;

pub(crate) use automaton::{copy, Refusal};
pub(crate) use body::{Body, Config, Draft, Rule};
pub use relay::{open, Opened};

use core::sync::atomic::{
    AtomicUsize,
    Ordering::{Relaxed, Release},
};
use ipvs_core::config::Name;
use kernel::{
    new_mutex,
    prelude::*,
    sync::Mutex,
    time::{delay::fsleep, Delta},
};
use knet::{
    errno,
    field::{field, Field},
    net_namespace::Net,
    rcu::{self, Arc, Ref, Slot},
    tcp::{Listener, Options, Owner},
    work::{Job, Work},
};

use ktcpvs_core::message::{self, RelayFilter};

use self::{
    relay::{Beginning, Order, Relay},
    relays::Relays,
};
use crate::{
    scheduler::{Handle, Reads},
    server::{endpoint, socket_addr},
    settings::Settings,
    stats::Stats,
};

/// So many connections are accepted before others get their turn.
const BATCH: usize = 64;
/// So long nothing is accepted after a failure, in milliseconds.
const PAUSE_MILLIS: i64 = 50;
/// For so many seconds a client may send nothing before its connection counts, if the scheduler reads first.
const DEFER_SECONDS: u8 = 5;

/// A service.
#[pin_data]
pub(crate) struct Service {
    pub(crate) name: Name,
    pub(crate) settings: Arc<Settings>,
    pub(crate) body: Slot<Body>,
    pub(crate) stats: Stats,
    /// Moves on with each choice.
    turn: AtomicUsize,
    /// The number of [`Relay`]s that were not dropped yet.
    alive: AtomicUsize,
    #[pin]
    accepting: Work<Service, Accepting>,
    #[pin]
    listener: Mutex<Option<Listener<Service>>>,
    #[pin]
    relays: Mutex<Relays>,
    /// Keeps the module of the scheduler that the body names.
    #[pin]
    scheduler: Mutex<Option<Handle>>,
}

impl Service {
    /// A service that is stopped. May sleep.
    pub(crate) fn new(name: Name, settings: Arc<Settings>) -> Result<Arc<Self>> {
        Arc::pin_init(
            try_pin_init!(Self {
                name,
                settings,
                body: Slot::empty(),
                stats: Stats::new()?,
                turn: AtomicUsize::new(0),
                alive: AtomicUsize::new(0),
                accepting <- Work::new(),
                listener <- new_mutex!(None, "ktcpvs_listener"),
                relays <- new_mutex!(Relays::new(), "ktcpvs_relays"),
                scheduler <- new_mutex!(None, "ktcpvs_scheduler"),
            }? Error),
            GFP_KERNEL_ACCOUNT,
        )
    }

    /// Publishes what the service is configured to, with the scheduler that the body names. Relays choose by it from now on.
    pub(crate) fn publish(service: &Arc<Self>, body: Arc<Body>, scheduler: Handle) {
        drop(service.body.replace(Some(body)));
        // The module of the former one may go: its exit waits for those who still read the former body.
        *service.scheduler.lock() = Some(scheduler);
        if service.settings.logs(2) {
            pr_info!("the service {:?} was changed\n", service.name);
        }
        // More clients may be let in than before.
        service.accept();
    }

    /// The scheduler that the body names.
    pub(crate) fn scheduler(&self) -> Option<Handle> {
        self.scheduler.lock().clone()
    }

    /// Whether the service listens.
    pub(crate) fn is_running(&self) -> bool {
        self.listener.lock().is_some()
    }

    /// The number of relays.
    pub(crate) fn relays(&self) -> usize {
        self.relays.lock().count()
    }

    /// Begins to listen. May sleep.
    ///
    /// # Errors
    ///
    /// `EBUSY` if the service runs; why it cannot listen: `EADDRINUSE` and so on.
    pub(crate) fn start(service: &Arc<Self>, net: &Net) -> Result {
        let body = service.body.get().ok_or(ENOENT)?;
        let scheduler = service.scheduler().ok_or(ENOENT)?;
        let mut listener = service.listener.lock();
        if listener.is_some() {
            return Err(EBUSY);
        }
        let backlog = service.settings.max_backlog.load(Relaxed);
        let options = Options {
            backlog: u16::try_from(backlog).unwrap_or(u16::MAX),
            defer_seconds: match scheduler.reads() {
                Reads::Nothing => 0,
                Reads::FirstHead => DEFER_SECONDS,
            },
        };
        let at = socket_addr(&body.config.listen);
        *listener = Some(Listener::new(net, at, options, service.clone())?);
        drop(listener);
        // Those that came before the listener was in its place.
        service.accept();
        Ok(())
    }

    /// Listens no more. Relays go on, but read no further requests. May sleep.
    pub(crate) fn stop(&self) {
        let listener = self.listener.lock().take();
        drop(listener);
        self.relays.lock().order(Order::Stop);
    }

    /// Resets all relays of a service that does not listen, and waits until none is left. May sleep.
    fn reset(&self) {
        while self.alive.load(Relaxed) != 0 {
            self.relays.lock().order(Order::Abort);
            fsleep(Delta::from_millis(2));
        }
    }

    /// Ends the service for good: resets all relays, and gives up all that they have used. May sleep.
    pub(crate) fn end(&self) {
        self.stop();
        // One that was accepted before may become a relay until this returns.
        Work::<Self, Accepting>::disable_sync(self);
        self.reset();
        drop(self.body.replace(None));
        *self.scheduler.lock() = None;
    }

    /// Accepts what waits, in a thread.
    fn accept(self: &Arc<Self>) {
        Work::<Self, Accepting>::queue_in(self, &relay::SLOW);
    }
}

/// A connection waits to be accepted.
impl Owner for Service {
    fn wake(service: Ref<'_, Self>) {
        if let Some(service) = service.try_clone() {
            service.accept();
        }
    }
}

/// The work of accepting connections.
struct Accepting;

impl Job<Service> for Accepting {
    const WORK: Field<Service, Work<Service, Self>> = field!(Service, accepting);

    fn run(service: Arc<Service>) {
        for _ in 0..BATCH {
            match service.accept_one() {
                Ok(()) => {}
                // There is none, or the service does not listen; or it is full, until a relay ends. Or somebody has closed the
                // listener as a socket (SOCK_DESTROY): it listens again when the service was stopped and started.
                Err(EAGAIN | EBUSY | EINVAL) => return,
                Err(error) if error == errno::eshutdown() => return,
                // What the client has given up.
                Err(error) if error == errno::econnaborted() => {}
                Err(_) => {
                    fsleep(Delta::from_millis(PAUSE_MILLIS));
                    break;
                }
            }
        }
        service.accept();
    }
}

impl Service {
    /// Accepts a connection, and makes a relay of it.
    fn accept_one(self: &Arc<Self>) -> Result {
        let body = self.body.get().ok_or_else(errno::eshutdown)?;
        if self.relays() >= body.config.max_clients() {
            return Err(EBUSY);
        }
        let unowned = match &*self.listener.lock() {
            Some(listener) => listener.accept()?,
            None => return Err(errno::eshutdown()),
        };
        let Ok(peer) = unowned.peer() else {
            // The client has reset the connection.
            return Ok(());
        };
        let scheduler = self.scheduler().ok_or_else(errno::eshutdown)?;
        let net = unowned.namespace()?;
        let place = self.relays.lock().reserve()?;
        let beginning = Beginning {
            place,
            net,
            peer: endpoint(peer),
            reads: scheduler.reads(),
        };
        let relay =
            Relay::new(self, beginning, &body).inspect_err(|_| self.relays.lock().remove(place))?;
        self.relays.lock().put(place, relay.clone());
        self.stats.conn();
        if Relay::begin(&relay, unowned).is_err() {
            // A socket map has taken this connection. The next one is another matter.
            self.relays.lock().remove(place);
            return Ok(());
        }
        // Who has stopped the service in the meantime has not told this relay.
        if self.listener.lock().is_none() {
            Relay::order(&relay, Order::Stop);
        }
        Ok(())
    }

    /// A relay has ended.
    fn gone(self: &Arc<Self>, place: usize) {
        let before = {
            let mut relays = self.relays.lock();
            let before = relays.count();
            relays.remove(place);
            before
        };
        let guard = rcu::read_lock();
        let body = self.body.load(&guard);
        if body.is_some_and(|body| before >= body.get().config.max_clients()) {
            self.accept();
        }
    }

    /// The first relay that a request means, of those in the places from `place` on: its place, and what is told of it.
    pub(crate) fn next_relay(
        &self,
        place: usize,
        filter: &RelayFilter,
    ) -> Option<(usize, message::Relay<'static>)> {
        let relays = self.relays.lock();
        let mut all = relays.from(place);
        all.find_map(|(place, relay)| Some((place, relay.tell(filter)?)))
    }

    /// Resets the relays that a request means. Returns their number.
    pub(crate) fn abort_relays(&self, filter: &RelayFilter) -> u32 {
        let relays = self.relays.lock();
        let meant = relays
            .from(0)
            .filter(|(_, relay)| relay.tell(filter).is_some());
        meant.fold(0, |count: u32, (_, relay)| {
            Relay::order(relay, Order::Abort);
            count.saturating_add(1)
        })
    }

    /// A relay was dropped.
    fn dropped(&self) {
        self.alive.fetch_sub(1, Release);
    }
}
