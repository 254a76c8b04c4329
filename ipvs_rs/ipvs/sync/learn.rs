// SPDX-License-Identifier: GPL-2.0

//! A connection that another director has told of, or that was saved, enters the model.
//!
//! What another director has told of:
//!
//! | there is | the message is about | effect |
//! |---|---|---|
//! | a connection to the same server, or a template | | it is updated |
//! | a connection to another server | an inactive connection | none: the message is about one that was replaced |
//! | a connection to the same server, or a template | its end at the command of a user | it ends |
//! | a connection to another server | an active connection | a new one takes its place |
//! | nothing | | a new one |
//!
//! An entry of a bulk, which has the rest of the connection's time, is ignored if it is about a connection that was made here.
//! One that is in the same state gets that rest, if it has less.

use ipvs_core::{
    addr::Family,
    conn::{ConnFlags, Method},
    flow::{Flow, FlowDirection, Fragment},
    proto::{sctp, tcp, SCTP, TCP, UDP},
    sync::{Entry, Event},
};
use kernel::prelude::*;
use knet::{
    rcu::{self, Arc, Guard, Ref},
    registry::Held,
    time::HZ,
};

use crate::{
    model::{
        attachment::Attachment,
        conn::{control::ControllerRef, Conn, FirstPacket, Learned, Refused, Role, Target},
        dest::Dest,
        drops::Reason,
        engine::{Finder, OwnedEngineData},
        member::Member,
        Ipvs,
    },
    plugin::engine,
};

/// The time of a template, and of a connection whose state has no timeout, without one in the message. In seconds.
const DEFAULT_TIMEOUT: u32 = 180;

/// Where entries come from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// From another director, which has the connection.
    Director,
    /// From a saved list: nobody has the connection meanwhile.
    Saved,
}

/// The part of a backup, and of a restore, that changes the model.
pub(super) struct Learner {
    pub(super) ipvs: Arc<Ipvs>,
    source: Source,
    /// The place holders for servers that are not configured here.
    unbound_v4: Arc<Dest>,
    unbound_v6: Arc<Dest>,
}

impl Learner {
    /// A learner of entries from `source`.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(super) fn new(ipvs: Arc<Ipvs>, source: Source) -> Result<Self> {
        Ok(Self {
            ipvs,
            source,
            unbound_v4: Dest::unbound(Family::V4)?,
            unbound_v6: Dest::unbound(Family::V6)?,
        })
    }

    /// Counts an event.
    pub(super) fn count(&self, event: impl Into<Event>) {
        self.ipvs.sync_events.count(event.into());
    }

    /// Learns a connection or a template.
    pub(super) fn learn(&self, entry: &Entry<'_>) -> Event {
        // Only saved connections have such a server: with one no daemon starts.
        if entry.server_family != entry.family {
            return Event::Flags;
        }
        let (entry, engine) = match with_engine(entry) {
            Ok(found) => found,
            Err(event) => return event,
        };
        let entry = &entry;
        let guard = rcu::read_lock();
        let Some(conn) = self.known(entry, &guard) else {
            return match entry.saved.is_end {
                true => Event::Late,
                false => self.enter(entry, engine, None, &guard),
            };
        };
        // The entry of a bulk has the rest of its time.
        if let Some(rest) = entry.saved.rest {
            if is_local(&conn) {
                return Event::Late;
            }
            if is_in_state(&conn, entry) {
                return match conn.live_on(in_ticks(rest)) {
                    true => Event::Updated,
                    false => Event::Late,
                };
            }
        }
        if !entry.is_template() && !has_server(&conn, entry) {
            return match entry.flags.has(ConnFlags::INACTIVE) {
                true => Event::Late,
                false => self.replace(entry, engine, conn, &guard),
            };
        }
        if entry.saved.is_end {
            // A user of another director ends what that has told of, and not what lives here.
            if is_local(&conn) {
                return Event::Late;
            }
            // A template does not wait for connections whose ends were told with its own.
            conn.finish();
            return Event::Ended;
        }
        match conn.dest.is_unbound() && self.server(entry, &guard).is_some() {
            true => self.replace(entry, engine, conn, &guard),
            false => {
                conn.learn(&self.learned(entry, entry.flags));
                Event::Updated
            }
        }
    }

    /// The connection or template that an entry is about.
    pub(super) fn known<'g>(
        &'g self,
        entry: &Entry<'_>,
        guard: &'g Guard,
    ) -> Option<Ref<'g, Conn>> {
        let (conns, request) = (&self.ipvs.conns, entry.request());
        match entry.is_template() {
            true => {
                let key = conns.template_key(request, entry.engine);
                conns.template(&key, entry.engine, guard)
            }
            false => match conns.find(&conns.key(request), guard) {
                Some((conn, FlowDirection::Request)) => Some(conn),
                _ => None,
            },
        }
    }

    /// Makes a connection in the place of `conn`, which ends.
    pub(super) fn replace(
        &self,
        entry: &Entry<'_>,
        engine: Option<Held<dyn Finder>>,
        conn: Ref<'_, Conn>,
        guard: &Guard,
    ) -> Event {
        let event = self.enter(entry, engine, Some(conn.get()), guard);
        if matches!(event, Event::New | Event::NewUnbound) {
            // The entry of connection tracking is that of the new one.
            conn.leave_tracking();
            conn.finish();
        }
        event
    }

    /// Makes a connection, `beside` another one with the same tuple.
    pub(super) fn enter(
        &self,
        entry: &Entry<'_>,
        engine: Option<Held<dyn Finder>>,
        beside: Option<&Conn>,
        guard: &Guard,
    ) -> Event {
        let server = self.server(entry, guard);
        let unbound = match entry.server_family {
            Family::V4 => &self.unbound_v4,
            Family::V6 => &self.unbound_v6,
        };
        let (dest, flags) = match server.as_ref() {
            // A server that is changed keeps the method of its connections.
            _ if self.source == Source::Saved => {
                let dest = server.as_ref().map_or(unbound, |(dest, _)| dest);
                (dest, entry.flags.restored())
            }
            // The server is reached by the method that is configured here.
            Some((dest, flags)) => {
                let told = entry.flags.learned().without(ConnFlags::ROUTING);
                let kept = match entry.is_template() {
                    true => flags.without(ConnFlags::ONE_PACKET),
                    false => flags.without(ConnFlags::ONE_PACKET.with(ConnFlags::INACTIVE)),
                };
                (dest, told.with(kept))
            }
            None => (unbound, entry.flags.learned()),
        };
        let target = Target {
            dest,
            port: entry.server_port,
            flags,
        };
        let first = FirstPacket {
            key: &self.ipvs.conns.template_key(entry.request(), entry.engine),
            mark: entry.mark,
        };
        let engine_data = match (engine, entry.engine) {
            (Some(engine), Some(found)) => {
                match OwnedEngineData::new(engine, found.data).and_then(Attachment::of_engine) {
                    Ok(owned) => Some(owned),
                    Err(_) => return Event::NoMemory,
                }
            }
            _ => None,
        };
        let role = Role::Learned {
            learned: &self.learned(entry, flags),
            control: self.control(entry, guard),
            engine_data,
        };
        match Conn::enter_beside(self.ipvs.as_ref(), target, &first, role, beside, guard) {
            Ok(_) => {
                if flags.has(ConnFlags::NO_CLIENT_PORT) {
                    self.ipvs.conns.expect_one_more();
                }
                match server.is_some() {
                    true => Event::New,
                    false => Event::NewUnbound,
                }
            }
            Err(Refused::Drop(Reason::ConnMax)) => Event::ConnMax,
            Err(Refused::Drop(_)) => Event::NoMemory,
            // A packet was faster.
            Err(Refused::Exists) => Event::Late,
        }
    }

    /// The template that controls the connection of an entry, if it is there.
    fn control(&self, entry: &Entry<'_>, guard: &Guard) -> Option<ControllerRef> {
        // A template is under no other: chains of them would have no end.
        let ends = entry
            .saved
            .controller
            .as_ref()
            .filter(|_| !entry.is_template())?;
        let conns = &self.ipvs.conns;
        ControllerRef::at(conns.template(&conns.key(*ends), None, guard)?)
    }

    /// The server of an entry, and the flags of its connections, if it is configured here.
    pub(super) fn server(
        &self,
        entry: &Entry<'_>,
        guard: &Guard,
    ) -> Option<(Arc<Dest>, ConnFlags)> {
        let net = self.ipvs.net(guard)?;
        let tuple = entry.request();
        let flow = Flow {
            family: tuple.family,
            protocol: tuple.protocol,
            fragment: Fragment::Whole,
            src: tuple.src,
            dst: tuple.dst,
            sport: tuple.sport,
            dport: tuple.dport,
            transport: 0,
        };
        let services = &self.ipvs.services;
        let service = services.of_packet(&flow, entry.mark, net, guard)?;
        if self.source == Source::Saved && entry.flags.method() == Method::Bypass {
            let nobody = service.get().nobody.clone()?;
            return Some((nobody, entry.flags));
        }
        let pool = service.get().pool.load(guard)?;
        let of_port = |port| {
            pool.members().iter().find(|member| {
                let key = &member.dest().key;
                key.family == entry.server_family && key.addr == entry.server && key.port == port
            })
        };
        let is_translated = entry.flags.method() == Method::Nat;
        let (first, second) = match entry.mark != 0 && !is_translated {
            true => (0, entry.server_port),
            false => (entry.server_port, 0),
        };
        let member: &Member = of_port(first).or_else(|| of_port(second))?;
        Some((member.dest().clone(), member.conn_flags()))
    }

    /// The part of an entry that a connection with these flags keeps.
    fn learned(&self, entry: &Entry<'_>, flags: ConnFlags) -> Learned {
        let settings = &self.ipvs.settings;
        let timeouts = settings.timeouts();
        let seconds = match entry.timeout {
            0 if entry.is_template() => DEFAULT_TIMEOUT,
            0 => match entry.protocol {
                TCP => tcp::State::from_number(entry.state)
                    .map_or(DEFAULT_TIMEOUT, |state| timeouts.tcp(state)),
                SCTP => sctp::State::from_number(entry.state)
                    .map_or(DEFAULT_TIMEOUT, |state| state.timeout()),
                UDP => timeouts.udp,
                _ => DEFAULT_TIMEOUT,
            },
            seconds => seconds,
        };
        let timeout = in_ticks(seconds);
        let packets = match self.source {
            Source::Director => {
                let [threshold, _] = settings.sync_threshold();
                u32::try_from(threshold).ok()
            }
            Source::Saved => entry.saved.packets,
        };
        let rest = entry.saved.rest.map(in_ticks);
        Learned {
            server: entry.server,
            flags,
            state: entry.state,
            timeout,
            packets: packets.unwrap_or(0),
            rest: rest.map(|rest| rest.min(timeout)),
            is_saved: self.source == Source::Saved,
        }
    }
}

/// An entry, and the persistence engine of its data. Only templates have such data.
///
/// # Errors
///
/// The engine is not there. As in the C module no module is loaded for a message.
pub(super) fn with_engine<'a>(
    entry: &Entry<'a>,
) -> Result<(Entry<'a>, Option<Held<dyn Finder>>), Event> {
    let data = entry.engine.filter(|_| entry.is_template());
    let engine = data.map(|data| engine::registered(data.name).ok_or(Event::Engine));
    let entry = Entry {
        engine: data,
        ..*entry
    };
    Ok((entry, engine.transpose()?))
}

/// A time in ticks, at most the longest that a timer can be set to.
fn in_ticks(seconds: u32) -> u32 {
    // CAST: `HZ` is 1,000 at most.
    seconds.saturating_mul(HZ as u32)
}

/// Whether a connection was made here.
fn is_local(conn: &Conn) -> bool {
    !conn.condition().flags().has(ConnFlags::SYNC)
}

/// Whether a connection has the server and the state of an entry.
fn is_in_state(conn: &Conn, entry: &Entry<'_>) -> bool {
    has_server(conn, entry) && conn.condition().state() == entry.state && !conn.dest.is_unbound()
}

/// Whether a connection has the server of an entry.
fn has_server(conn: &Conn, entry: &Entry<'_>) -> bool {
    conn.server == entry.server && conn.server_port == entry.server_port
}
