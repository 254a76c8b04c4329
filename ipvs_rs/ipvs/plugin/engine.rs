// SPDX-License-Identifier: GPL-2.0

//! What a persistence engine is, and which ones are there.
//!
//! A persistent service remembers the server of a client by the client's address. With an engine it remembers the server
//! by address and by data in the payload of packets: all clients behind one address no longer go to one server, and the
//! parts of one conversation do. An engine is a module of its own that implements [`Engine`] and says so with
//! [`engine_module!`](crate::engine_module). A service names it, which loads the module.

use core::{marker::PhantomData, ops::Range};
use ipvs_core::config::Name;
use kernel::{c_str, prelude::*, static_lock_class, ThisModule};
use knet::registry::{Held, Named, Opened};

use super::registration::{not_found, Kind};
use crate::model::engine::Finder;
pub use crate::model::helping::Transport;

/// A persistence engine.
pub trait Engine: 'static {
    /// What users call it, at most 15 bytes.
    const NAME: &'static str;

    /// The transport protocols whose payloads it reads. Packets of others find no data.
    const READS: &'static [Transport];

    /// Whether servers may begin a conversation. A packet that a server with NAT sends from its port, and that belongs to no
    /// connection, then opens one from the service to the packet's destination, if [`find`](Self::find) finds data in it or the
    /// service is without persistence. So replies of one-packet services get the address of the service. For UDP, and services
    /// of one port.
    const SERVES_BEGUN: bool = false;

    /// The place of the data in a payload, which is from 1 to 255 bytes long. [`None`] if there is none.
    ///
    /// Two packets with the same bytes there, the same address of the client under the netmask of the service, the same
    /// virtual address and port, and the same protocol go to the same server. A packet without data is dropped, and
    /// counted in `/proc/net/ip_vs_drops` as `engine`.
    ///
    /// The payload is what anybody has sent; its checksum was not checked. Called for packets that open a connection, in
    /// the RCU read-side section of the packet's hook, on several CPUs at once.
    fn find(payload: &[u8]) -> Option<Range<usize>>;
}

/// An [`Engine`] as the model uses it.
struct Adapter<E: Engine>(PhantomData<fn(E)>);

impl<E: Engine> Named for Adapter<E> {
    fn name(&self) -> &'static str {
        E::NAME
    }
}

impl<E: Engine> Finder for Adapter<E> {
    fn find(&self, transport: Transport, payload: &[u8]) -> Option<Range<usize>> {
        match E::READS.contains(&transport) {
            true => E::find(payload),
            false => None,
        }
    }

    fn serves_begun(&self) -> bool {
        E::SERVES_BEGUN
    }
}

static ENGINES: Kind<dyn Finder> = Kind::new("pe");

/// What the name of an engine's module begins with.
const PREFIX: &str = "ip_vs_pe_";

/// Opens the list of engines. The module struct of `ip_vs` holds it.
///
/// # Errors
///
/// `ENOMEM`.
pub fn open() -> Result<Opened<dyn Finder>> {
    ENGINES.open(c_str!("ip_vs_engines"), static_lock_class!())
}

/// An engine's place among the registered ones; its module struct holds it.
pub struct Registration<E: Engine>(PhantomData<fn(E)>);

impl<E: Engine> Registration<E> {
    /// Lets services use the engine.
    ///
    /// # Errors
    ///
    /// `EEXIST` if there is one of that name, `EINVAL` if the name is too long, `ENOMEM`.
    pub fn new(module: &'static ThisModule) -> Result<Self> {
        register(&Adapter::<E>(PhantomData), module)?;
        Ok(Self(PhantomData))
    }
}

impl<E: Engine> Drop for Registration<E> {
    fn drop(&mut self) {
        unregister(E::NAME);
    }
}

/// See [`Registration::new`]. Not generic, so that it is compiled here and not in each engine.
#[inline(never)]
fn register(engine: &'static dyn Finder, module: &'static ThisModule) -> Result {
    ENGINES.register(engine, module, || Ok(()))
}

/// Takes [`register`] back, and waits for the packets that are in the engine.
///
/// No service and no template refers to the engine any more, as each keeps its module loaded. Packets may still see a pool
/// that a service has given up; the exit waits for their read-side sections.
#[inline(never)]
fn unregister(name: &str) {
    ENGINES.unregister(name, || {});
}

/// Finds an engine by name, and loads its module if it is not there.
///
/// # Errors
///
/// `ENOENT` if there is none of that name.
pub(crate) fn find(name: &Name) -> Result<Held<dyn Finder>> {
    ENGINES.find(PREFIX, name).ok_or_else(|| {
        not_found("persistence engine", PREFIX, name);
        ENOENT
    })
}

/// Finds an engine that is registered already. May sleep.
pub(crate) fn registered(name: &[u8]) -> Option<Held<dyn Finder>> {
    ENGINES.registered(name)
}

/// Makes a module of an [`Engine`].
///
/// Takes what [`module!`] takes, without the type and with the engine in its place. `holds` is something more that the
/// module has while it is loaded, as with [`scheduler_module!`](crate::scheduler_module).
#[macro_export]
macro_rules! engine_module {
    (engine: $engine:ty, $($rest:tt)*) => {
        $crate::plugin_module! {
            registration: $crate::plugin::engine::Registration<$engine>,
            $($rest)*
        }
    };
}
