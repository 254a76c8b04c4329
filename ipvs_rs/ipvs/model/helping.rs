// SPDX-License-Identifier: GPL-2.0

//! Helpers as connections use them: a helper looks at the payload of the packets of its connections.
//!
//! A helper serves ports of a transport protocol: each such pair is an [`Incarnation`]. A new NAT connection whose
//! virtual port has one is *bound* to it: the flag [`HELPED`](ipvs_core::conn::ConnFlags::HELPED) says so, and the
//! connection keeps the helper's module until its end. A packet of such a connection finds the incarnation again by
//! protocol and virtual port, and the end of the connection does, too, so the connection needs no pointer to it. What a
//! helper remembers of a connection is a [`Session`], which is attached to the connection.
//!
//! Of TCP, a payload of another length moves all that follows. Connection tracking keeps by how much, so connections of TCP
//! with a helper are tracked, whatever the sysctl `conntrack` says, and tracking is begun for their namespace.
//!
//! # The last packet
//!
//! The exit of a helper's module begins when no connection is bound to it. A packet may still be in the helper then: it
//! found a connection that another CPU has ended. It runs in the read-side section of its hook. The exit takes the
//! incarnations out of the table, and then waits for all such sections. So an incarnation is in the table as long as a
//! connection is bound to it, and no CPU runs code of a module that has exited. The state in a [`Session`] is dropped by
//! functions of the helper's module, at the end of its connection, before that gives the module back.

use core::{
    ops::Range,
    sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed},
};
use ipvs_core::{
    addr::{Addr, Family},
    config::ServiceKey,
    conn::Method,
    plan::lookup::FTP,
    proto,
};
use kernel::{fmt, prelude::*, ThisModule};
use knet::{
    module::Claims,
    netfilter,
    rcu::{self, Arc, Guard, Ref, Slot},
    registry::Named,
    skbuff::Skb,
};

use super::{
    attachment::{Attachment, Session, SessionState},
    conn::Conn,
};
pub use ipvs_core::proto::Direction;

/// The most incarnations of all helpers at a time.
pub(crate) const MOST: usize = 32;

/// A transport protocol whose payload helpers can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl Transport {
    /// The number of the protocol.
    #[inline]
    pub const fn number(self) -> u8 {
        match self {
            Self::Tcp => proto::TCP,
            Self::Udp => proto::UDP,
        }
    }
}

/// A party to a connection: an address, and a port in host order.
#[derive(Clone, Copy)]
pub struct Party {
    /// Which kind of address it is.
    pub family: Family,
    /// The address, in network order.
    pub addr: Addr,
    /// The port, in host order.
    pub port: u16,
}

impl Party {
    /// The address as people write it.
    #[inline]
    pub fn address(&self) -> Address {
        Address(self.family, self.addr)
    }
}

/// An address as people write it: 192.0.2.1 or 2001:db8::1.
pub struct Address(Family, Addr);

impl fmt::Display for Address {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.1.write_text(self.0, f)
    }
}

/// The connection of a packet.
pub struct Exchange<'a> {
    /// Whether the packet is one of the client ([`Direction::Input`]) or of the server ([`Direction::Output`]).
    pub direction: Direction,
    /// The client.
    pub client: Party,
    /// The virtual service, which the client sends to.
    pub service: Party,
    /// The real server.
    pub server: Party,
    pub(crate) conn: &'a Conn,
    pub(crate) guard: &'a Guard,
}

/// A connection from the client of an [`Exchange`] to the same virtual address, or from its server to the client, of which its
/// text tells beforehand.
#[derive(Clone, Copy, Debug)]
pub struct Expected {
    /// The protocol.
    pub transport: Transport,
    /// The address at the client's side, in network order, of the family of the exchange.
    pub client: Addr,
    /// The client's port in host order; [`None`] if it is the client who begins, from any port.
    pub client_port: Option<u16>,
    /// The port at the virtual address, in host order.
    pub virtual_port: u16,
    /// The port of the server, in host order.
    pub server_port: u16,
}

/// What is behind the transport header of a packet, before addresses are translated.
pub struct Payload<'a> {
    pub(crate) skb: &'a mut Skb,
    pub(crate) family: netfilter::Family,
    pub(crate) transport: Transport,
    /// Where the transport header begins, in bytes from the network header.
    pub(crate) header: usize,
    /// Where the payload begins, in bytes from the network header.
    pub(crate) start: usize,
    /// The sequence number of the header, of TCP.
    pub(crate) sequence: u32,
    /// By how many bytes a payload of TCP was made longer.
    pub(crate) grown: i32,
}

impl Payload<'_> {
    /// The number of bytes.
    #[inline]
    pub fn len(&self) -> usize {
        self.skb.len().saturating_sub(self.start)
    }

    /// Whether there is none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All bytes.
    ///
    /// # Errors
    ///
    /// `ENOMEM` if they did not lie in one piece, and there is no memory for that.
    #[inline]
    pub fn bytes(&mut self) -> Result<&[u8]> {
        let length = self.skb.len();
        let bytes = self.skb.ensure_writable(length)?;
        bytes.get(self.start..).ok_or(EINVAL)
    }

    /// The `N` bytes at an offset, wherever they lie; [`None`] if there are not as many.
    ///
    /// A look at a few bytes of a long packet costs less so than by [`bytes`](Self::bytes).
    #[inline]
    pub fn peek<const N: usize>(&self, offset: usize) -> Option<[u8; N]> {
        let mut copy = [0; N];
        let at = self.start.checked_add(offset)?;
        self.skb.header(at, &mut copy)?.first_chunk().copied()
    }

    /// Replaces the bytes of `range` by `with`, which may be more or less of them. Lengths and checksums are put right.
    ///
    /// # Errors
    ///
    /// `EINVAL` if `range` is not in the payload, the packet would be longer than 65,535 bytes, or it stands for several
    /// datagrams (UDP segmentation offload); `ENOMEM`. The packet must be dropped then. After that, a packet of TCP whose
    /// length has changed is dropped if connection tracking has no entry that keeps the change.
    #[inline]
    pub fn replace(&mut self, range: Range<usize>, with: &[u8]) -> Result {
        let Self {
            skb,
            family,
            header,
            ..
        } = self;
        match self.transport {
            Transport::Udp => skb.replace_udp_payload(*family, *header, range, with),
            Transport::Tcp => {
                let removed = range.end.saturating_sub(range.start);
                let more = with.len().wrapping_sub(removed);
                skb.replace_tcp_payload(*family, *header, range, with)?;
                // CAST: The difference of two lengths of 16 bits.
                self.grown = self.grown.wrapping_add(more as i32);
                Ok(())
            }
        }
    }

    /// The sequence number of the first byte, of TCP.
    #[inline]
    pub fn sequence(&self) -> u32 {
        self.sequence
    }
}

/// A helper.
pub trait Help: Named {
    /// What it remembers of a new connection; [`None`] if it never remembers anything.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    fn session(&self) -> Result<Option<SessionState>>;

    /// Looks at a packet, and changes it. Called in the read-side section of the packet's hook, on several CPUs at once.
    ///
    /// # Errors
    ///
    /// The packet is dropped.
    fn packet(
        &self,
        exchange: &Exchange<'_>,
        session: Option<&Session>,
        payload: &mut Payload<'_>,
    ) -> Result;
}

/// A helper for one port of virtual services.
pub(crate) struct Incarnation {
    pub(crate) helper: &'static dyn Help,
    pub(crate) transport: Transport,
    /// The virtual port, in host order.
    pub(crate) port: u16,
    /// The place of its counts, below [`MOST`].
    place: usize,
    /// One reference to the helper's module for each bound connection, of all namespaces.
    claims: Claims,
}

impl Incarnation {
    /// Counts a connection that is bound from now on. Returns false if the helper's module is on its way out.
    #[cold]
    pub(super) fn bind(&self, helped: &Helped) -> bool {
        let is_bound = self.claims.take();
        if is_bound {
            if let Some(count) = helped.0.get(self.place) {
                count.fetch_add(1, Relaxed);
            }
        }
        is_bound
    }

    /// What the helper remembers of a new connection; [`None`] if it never remembers anything.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(super) fn attachment(&self) -> Result<Option<Arc<Attachment>>> {
        let state = self.helper.session()?;
        state.map(Attachment::of_helper).transpose()
    }

    /// Takes [`bind`](Self::bind) back.
    pub(super) fn unbind(&self, helped: &Helped) {
        // Before the module may go, and another incarnation may get the place.
        if let Some(count) = helped.0.get(self.place) {
            count.fetch_sub(1, Relaxed);
        }
        self.claims.give_back();
    }

    /// The number of connections that are bound in a namespace.
    pub(crate) fn bound(&self, helped: &Helped) -> u32 {
        helped
            .0
            .get(self.place)
            .map_or(0, |count| count.load(Relaxed))
    }
}

/// The numbers of bound connections in a namespace, by the places of incarnations in the table.
#[derive(Default)]
pub(crate) struct Helped([AtomicU32; MOST]);

/// The incarnations of all helpers. Changed under the lock of the list of helpers.
static TABLE: [Slot<Incarnation>; MOST] = [const { Slot::empty() }; MOST];

/// The number of incarnations. Changed under the lock of the list of helpers.
static NUMBER: AtomicUsize = AtomicUsize::new(0);

/// The incarnation that a new connection to a port is bound to.
#[inline]
pub(super) fn of_new(protocol: u8, port: u16, guard: &Guard) -> Option<&Incarnation> {
    match NUMBER.load(Relaxed) {
        0 => None,
        _ => find(protocol, port, guard),
    }
}

/// Whether connections to servers of a service may get a helper that needs connection tracking: by NAT, and to its port.
///
/// As the C module does, port 21 counts as such without its helper too.
pub(crate) fn needs_tracking(service: &ServiceKey, method: Method) -> bool {
    let ServiceKey::Address { port, protocol, .. } = *service else {
        return false;
    };
    protocol == proto::TCP.into()
        && method == Method::Nat
        && (port == FTP || find(proto::TCP, port, &rcu::read_lock()).is_some())
}

/// The incarnation for a protocol and a virtual port.
#[cold]
pub(crate) fn find(protocol: u8, port: u16, guard: &Guard) -> Option<&Incarnation> {
    let all = TABLE.iter().filter_map(|slot| slot.load(guard));
    all.map(Ref::get)
        .find(|it| it.transport.number() == protocol && it.port == port)
}

/// The incarnation at a place, unless it is empty.
pub(crate) fn at(place: usize, guard: &Guard) -> Option<&Incarnation> {
    TABLE.get(place)?.load(guard).map(Ref::get)
}

/// Lets connections be bound to a helper of `module` for the ports that it serves. Nothing that registers the helper
/// fails after it.
///
/// # Errors
///
/// `EEXIST` if a port has a helper, `ENOSPC` if there are too many, `ENOMEM`.
pub(crate) fn add(
    helper: &'static dyn Help,
    served: impl Iterator<Item = (Transport, u16)>,
    module: &'static ThisModule,
) -> Result {
    let guard = rcu::read_lock();
    let mut new: [Option<Arc<Incarnation>>; MOST] = [const { None }; MOST];
    // Behind the newest, as far as there is room, so that a listing begins with the newest.
    let mut places = free_places(&guard);
    for (transport, port) in served {
        let mut pending = new.iter().flatten();
        if find(transport.number(), port, &guard).is_some()
            || pending.any(|it| it.transport == transport && it.port == port)
        {
            return Err(EEXIST);
        }
        let place = places.next().ok_or(ENOSPC)?;
        let made = Incarnation {
            helper,
            transport,
            port,
            place,
            claims: Claims::new(module),
        };
        let made = Arc::new(made, GFP_ATOMIC)?;
        *new.get_mut(place).ok_or(ENOSPC)? = Some(made);
    }
    for (slot, made) in TABLE.iter().zip(new) {
        if made.is_some() {
            NUMBER.fetch_add(1, Relaxed);
            drop(slot.replace(made));
        }
    }
    Ok(())
}

/// The places that are free, those behind the last one that is not first.
fn free_places(guard: &Guard) -> impl Iterator<Item = usize> + '_ {
    let end = (0..MOST)
        .rev()
        .find(|&place| at(place, guard).is_some())
        .map_or(0, |last| last.wrapping_add(1));
    let from_end = (0..MOST).map(move |step| end.wrapping_add(step) % MOST);
    from_end.filter(|&place| at(place, guard).is_none())
}

/// Takes the incarnations of a helper out. No connection is bound to them.
pub(crate) fn remove(name: &str) {
    for slot in &TABLE {
        let is_of = |it: Ref<'_, Incarnation>| it.get().helper.name() == name;
        if slot.load(&rcu::read_lock()).is_some_and(is_of) {
            NUMBER.fetch_sub(1, Relaxed);
            drop(slot.replace(None));
        }
    }
}
