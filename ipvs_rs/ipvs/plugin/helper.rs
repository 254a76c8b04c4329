// SPDX-License-Identifier: GPL-2.0

//! What a helper for an application protocol is, and which ones are there.
//!
//! Some protocols carry addresses in their payload, which translation must reach. A helper is a module of its own that
//! implements [`Helper`] and says so with [`helper_module!`](crate::helper_module). It is given the packets of NAT
//! connections to the ports that it serves, in all namespaces. A connection gets its helper when it is made, and keeps
//! the helper's module loaded until it ends: [`helping`](crate::model::helping) says how.

use core::{fmt::Write as _, marker::PhantomData};
use kernel::{c_str, fmt, prelude::*, static_lock_class, ThisModule};
use knet::registry::{Named, Opened};

use super::registration::Kind;
use crate::model::helping::{self, Help};
pub use crate::model::helping::{Address, Direction, Exchange, Party, Payload, Transport};

/// A helper for an application protocol.
pub trait Helper: 'static {
    /// What listings call it, at most 15 bytes.
    const NAME: &'static str;

    /// The ports of virtual services that it serves.
    const SERVES: &'static [(Transport, u16)];

    /// Looks at a packet of a connection, and changes its payload where need be.
    ///
    /// The addresses of the packet are not translated yet. Its checksum is right. Called in the RCU read-side section
    /// of the packet's hook, on several CPUs at once.
    ///
    /// # Errors
    ///
    /// The packet is dropped, and counted in `/proc/net/ip_vs_drops` as `helper`.
    fn packet(exchange: &Exchange, payload: &mut Payload<'_>) -> Result;
}

/// A [`Helper`] as a [`Help`].
struct Adapter<H: Helper>(PhantomData<fn(H)>);

impl<H: Helper> Named for Adapter<H> {
    fn name(&self) -> &'static str {
        H::NAME
    }
}

impl<H: Helper> Help for Adapter<H> {
    fn packet(&self, exchange: &Exchange, payload: &mut Payload<'_>) -> Result {
        H::packet(exchange, payload)
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
        register(&Adapter::<H>(PhantomData), H::SERVES, module)?;
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
    serves: &[(Transport, u16)],
    module: &'static ThisModule,
) -> Result {
    HELPERS.register(helper, module, || {
        helping::add(helper, serves, module).inspect_err(|&error| {
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
