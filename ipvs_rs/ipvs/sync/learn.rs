// SPDX-License-Identifier: GPL-2.0

//! A connection that another director has told of enters the model.
//!
//! | there is | the message is about | effect |
//! |---|---|---|
//! | a connection to the same server, or a template | | it is updated |
//! | a connection to another server | an inactive connection | none: the message is about one that was replaced |
//! | a connection to another server | an active connection | a new one takes its place |
//! | nothing | | a new one |

use ipvs_core::{
    addr::Family,
    conn::{ConnFlags, Method},
    engine::EngineData,
    flow::{Flow, FlowDirection, Fragment, Tuple},
    proto::{sctp, tcp, SCTP, TCP, UDP},
    sync::{Entry, Event},
};
use knet::{
    rcu::{self, Arc, Guard, Ref},
    registry::Held,
    time::HZ,
};

use crate::{
    model::{
        conn::{Conn, FirstPacket, Learned, Refused, Role, Target},
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

/// The part of a backup that changes the model.
pub(super) struct Learner {
    pub(super) ipvs: Arc<Ipvs>,
    /// The place holders for servers that are not configured here.
    pub(super) unbound_v4: Arc<Dest>,
    pub(super) unbound_v6: Arc<Dest>,
}

impl Learner {
    /// Counts an event.
    pub(super) fn count(&self, event: impl Into<Event>) {
        self.ipvs.sync_events.count(event.into());
    }

    /// Learns a connection or a template.
    pub(super) fn learn(&self, entry: &Entry<'_>) -> Event {
        let entry = &Entry {
            // A connection has no data of a persistence engine.
            engine: entry.engine.filter(|_| entry.is_template()),
            ..*entry
        };
        // As the C module does: the engine must be there, no module is loaded for a message.
        let engine = match entry.engine {
            None => None,
            Some(EngineData { name, .. }) => match engine::registered(name) {
                None => return Event::Engine,
                found => found,
            },
        };
        let guard = rcu::read_lock();
        let (conns, request) = (&self.ipvs.conns, request(entry));
        let known = match entry.is_template() {
            true => {
                let key = conns.template_key(request, entry.engine);
                conns.template(&key, entry.engine, &guard)
            }
            false => match conns.find(&conns.key(request), &guard) {
                Some((conn, FlowDirection::Request)) => Some(conn),
                _ => None,
            },
        };
        let Some(conn) = known else {
            return self.enter(entry, engine, None, &guard);
        };
        if !entry.is_template() && !has_server(&conn, entry) {
            return match entry.flags.has(ConnFlags::INACTIVE) {
                true => Event::Late,
                false => self.replace(entry, engine, conn, &guard),
            };
        }
        match conn.dest.is_unbound() && self.server(entry, &guard).is_some() {
            true => self.replace(entry, engine, conn, &guard),
            false => {
                conn.learn(&self.learned(entry, entry.flags));
                Event::Updated
            }
        }
    }

    /// Makes a connection in the place of `conn`, which ends.
    fn replace(
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
    fn enter(
        &self,
        entry: &Entry<'_>,
        engine: Option<Held<dyn Finder>>,
        beside: Option<&Conn>,
        guard: &Guard,
    ) -> Event {
        let server = self.server(entry, guard);
        let unbound = match entry.family {
            Family::V4 => &self.unbound_v4,
            Family::V6 => &self.unbound_v6,
        };
        let (dest, flags) = match server.as_ref() {
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
            key: self.ipvs.conns.template_key(request(entry), entry.engine),
            mark: entry.mark,
        };
        let engine_data = match (engine, entry.engine) {
            (Some(engine), Some(found)) => match OwnedEngineData::new(engine, found.data) {
                Ok(owned) => Some(owned),
                Err(_) => return Event::NoMemory,
            },
            _ => None,
        };
        let role = Role::Learned {
            learned: self.learned(entry, flags),
            engine_data,
        };
        match Conn::enter_beside(self.ipvs.as_ref(), target, &first, role, beside, guard) {
            Ok(_) if server.is_some() => Event::New,
            Ok(_) => Event::NewUnbound,
            Err(Refused::Drop(Reason::ConnMax)) => Event::ConnMax,
            Err(Refused::Drop(_)) => Event::NoMemory,
            // A packet was faster.
            Err(Refused::Exists) => Event::Late,
        }
    }

    /// The server of an entry, and the flags of its connections, if it is configured here.
    fn server(&self, entry: &Entry<'_>, guard: &Guard) -> Option<(Arc<Dest>, ConnFlags)> {
        let net = self.ipvs.net(guard)?;
        let tuple = request(entry);
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
        let pool = service.get().pool.load(guard)?;
        let of_port = |port| {
            pool.members().iter().find(|member| {
                let key = &member.dest().key;
                key.family == entry.family && key.addr == entry.server && key.port == port
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
        let [threshold, _] = settings.sync_threshold();
        Learned {
            server: entry.server,
            flags,
            state: entry.state,
            // CAST: `HZ` is 1,000 at most.
            timeout: seconds.saturating_mul(HZ as u32),
            packets: u32::try_from(threshold).unwrap_or(0),
        }
    }
}

/// The tuple of the packets of an entry's client.
fn request(entry: &Entry<'_>) -> Tuple {
    Tuple {
        src: entry.client,
        dst: entry.virtual_addr,
        sport: entry.client_port,
        dport: entry.virtual_port,
        protocol: entry.protocol,
        family: entry.family,
    }
}

/// Whether a connection has the server of an entry.
fn has_server(conn: &Conn, entry: &Entry<'_>) -> bool {
    conn.server == entry.server && conn.server_port == entry.server_port
}
