// SPDX-License-Identifier: GPL-2.0

//! What a helper for an application protocol is, and which ones are there.
//!
//! Some protocols carry addresses in their payload, which translation must reach. A helper is a module of its own that
//! implements [`Helper`] and says so with [`helper_module!`](crate::helper_module). It is given the packets of NAT
//! connections to the ports that it serves, in all namespaces. A connection gets its helper when it is made, and keeps
//! the helper's module loaded until it ends: [`helping`](crate::model::helping) says how.

use core::{fmt::Write as _, marker::PhantomData};
use kernel::{alloc::KBox, c_str, fmt, prelude::*, static_lock_class, ThisModule};
use knet::registry::{Named, Opened};

use super::registration::Kind;
pub use crate::model::helping::{
    Address, Direction, Exchange, Expected, Party, Payload, Transport,
};
use crate::model::{
    attachment::{Session, SessionGuard, SessionState},
    helping::{self, Help},
};
pub use knet::module::{Parameter, Parameters};

/// A helper for an application protocol.
pub trait Helper: 'static {
    /// What listings call it, at most 15 bytes.
    const NAME: &'static str;

    /// What it remembers of a connection from packet to packet, or `()`. A new connection has the default, and so has one
    /// that another director has told of.
    type Session: Default + Send + 'static;

    /// The ports of virtual services that it serves, in host order. Called when the module is loaded.
    fn serves() -> impl Iterator<Item = (Transport, u16)>;

    /// Looks at a packet of a connection, and changes its payload where need be.
    ///
    /// The addresses of the packet are not translated yet. Its checksum is right. Called in the RCU read-side section
    /// of the packet's hook, on several CPUs at once, but for one packet of a connection at a time if there is a session.
    ///
    /// # Errors
    ///
    /// The packet is dropped, and counted in `/proc/net/ip_vs_drops` as `helper`. Its sender may send it again.
    fn packet(
        exchange: &Exchange<'_>,
        session: &mut Self::Session,
        payload: &mut Payload<'_>,
    ) -> Result;
}

/// A [`Helper`] as a [`Help`].
struct Adapter<H: Helper>(PhantomData<fn(H)>);

impl<H: Helper> Named for Adapter<H> {
    fn name(&self) -> &'static str {
        H::NAME
    }
}

impl<H: Helper> Help for Adapter<H> {
    fn session(&self) -> Result<Option<SessionState>> {
        match size_of::<H::Session>() {
            0 => Ok(None),
            _ => Ok(Some(KBox::new(H::Session::default(), GFP_ATOMIC)?)),
        }
    }

    fn packet(
        &self,
        exchange: &Exchange<'_>,
        session: Option<&Session>,
        payload: &mut Payload<'_>,
    ) -> Result {
        if size_of::<H::Session>() == 0 {
            return H::packet(exchange, &mut H::Session::default(), payload);
        }
        let mut locked = lock(session.ok_or(ESRCH)?);
        // Without one the connection has ended.
        let state = Option::as_mut(&mut *locked).ok_or(ESRCH)?;
        H::packet(exchange, state.downcast_mut().ok_or(EINVAL)?, payload)
    }
}

/// The state of a session, locked. Not generic, so that it is compiled here and not in each helper.
#[inline(never)]
fn lock(session: &Session) -> SessionGuard<'_> {
    session.lock()
}

impl Exchange<'_> {
    /// Prepares a connection of which the payload tells, so that its packets are translated as those of this one are, to and
    /// from the same server. It ends if it is not begun within 2 minutes (TCP), or the time-out of UDP. If it is prepared
    /// already, the time starts again.
    ///
    /// If it may come from any port, and a rule has assigned a helper of connection tracking to the packet's entry, then
    /// connection tracking calls it related.
    ///
    /// # Errors
    ///
    /// `EBUSY` if there are too many connections, or its place is taken by one that controls others; `ESRCH` if this connection
    /// has ended; `ENOMEM`.
    #[inline(never)]
    pub fn expect(&self, expected: &Expected, payload: &mut Payload<'_>) -> Result {
        self.conn.expect(expected, self.guard)?;
        if expected.client_port.is_none() {
            let virtual_end = (self.service.addr.octets(), expected.virtual_port);
            let protocol = expected.transport.number();
            let client = expected.client.octets();
            // Nothing but the state in rules depends on it.
            let _ = payload
                .skb
                .expect_related(payload.family, protocol, client, virtual_end);
        }
        Ok(())
    }
}

static HELPERS: Kind<dyn Help> = Kind::new("app");

/// Opens the list of helpers. The module struct of `ip_vs` holds it.
///
/// # Errors
///
/// `ENOMEM`.
pub fn open() -> Result<Opened<dyn Help>> {
    HELPERS.open(c_str!("ip_vs_helpers"), static_lock_class!())
}

/// A helper's place among the registered ones; its module struct holds it.
pub struct Registration<H: Helper>(PhantomData<fn(H)>);

impl<H: Helper> Registration<H> {
    /// Lets new connections use the helper.
    ///
    /// # Errors
    ///
    /// `EEXIST` if there is one of that name, or for one of its ports, `EINVAL` if the name is too long, `ENOSPC` if
    /// helpers serve too many ports, `ENOMEM`.
    pub fn new(module: &'static ThisModule) -> Result<Self> {
        let mut served = H::serves();
        // A closure, as each function of a `dyn Iterator` would be in the module, with paths to a panic in some.
        register(&Adapter::<H>(PhantomData), &mut || served.next(), module)?;
        Ok(Self(PhantomData))
    }
}

impl<H: Helper> Drop for Registration<H> {
    fn drop(&mut self) {
        unregister(H::NAME);
    }
}

/// See [`Registration::new`]. Not generic, so that it is compiled here and not in each helper.
#[inline(never)]
fn register(
    helper: &'static dyn Help,
    next_served: &mut dyn FnMut() -> Option<(Transport, u16)>,
    module: &'static ThisModule,
) -> Result {
    HELPERS.register(helper, module, || {
        helping::add(helper, core::iter::from_fn(next_served), module).inspect_err(|&error| {
            if error == EEXIST {
                pr_err!("[{}] another app serves its port\n", helper.name());
            }
        })
    })
}

/// Takes [`register`] back, and waits for the packets that are in the helper.
#[inline(never)]
fn unregister(name: &str) {
    HELPERS.unregister(name, || helping::remove(name));
}

/// The longest [`Text`], in bytes.
const LONGEST: usize = 128;

/// A short text, made without memory.
pub struct Text {
    bytes: [u8; LONGEST],
    length: usize,
}

impl Text {
    /// The text that `fmt!` describes.
    ///
    /// # Errors
    ///
    /// `EOVERFLOW` if it is longer than 128 bytes.
    #[inline(never)]
    pub fn new(arguments: fmt::Arguments<'_>) -> Result<Self> {
        let mut text = Self {
            bytes: [0; LONGEST],
            length: 0,
        };
        text.write_fmt(arguments).map_err(|_| EOVERFLOW)?;
        Ok(text)
    }

    /// Its bytes.
    #[inline(never)]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or(&[])
    }
}

impl core::fmt::Write for Text {
    fn write_str(&mut self, more: &str) -> core::fmt::Result {
        let end = self.length.checked_add(more.len());
        let range = end.map(|end| self.length..end);
        let place = range.and_then(|range| self.bytes.get_mut(range));
        let (Some(place), Some(end)) = (place, end) else {
            return Err(core::fmt::Error);
        };
        for (to, from) in place.iter_mut().zip(more.bytes()) {
            *to = from;
        }
        self.length = end;
        Ok(())
    }
}

/// Makes a module of a [`Helper`].
///
/// Takes what [`module!`] takes, without the type and with the helper in its place. `holds` is something more that the
/// module has while it is loaded, as with [`scheduler_module!`](crate::scheduler_module).
#[macro_export]
macro_rules! helper_module {
    (helper: $helper:ty, $($rest:tt)*) => {
        $crate::plugin_module! {
            registration: $crate::plugin::helper::Registration<$helper>,
            $($rest)*
        }
    };
}
