// SPDX-License-Identifier: GPL-2.0

//! Connections that a helper expects: they are in the table before their first packet.
//!
//! ```text
//!   the client listens     client:port ──> virtual address:port     found by the server's first packet
//!   the server listens     client:0    ──> virtual address:port     taken by the client's first packet
//!                          client:port ──> virtual address:port     <─┘ takes its place
//! ```
//!
//! The second one has the flag [`NO_CLIENT_PORT`](ConnFlags::NO_CLIENT_PORT). A packet that opens a connection looks for it
//! only while the namespace has such connections. The connection that a helper's text belongs to controls both, so it does not
//! end before them.

use ipvs_core::{
    conn::ConnFlags,
    flow::{FlowDirection, Tuple},
    proto::{self, tcp},
};
use kernel::prelude::*;
use knet::{
    rcu::{Guard, Ref},
    time::HZ,
};

use super::{
    condition::Condition,
    control::{ControllerRef, End},
    table::TableKey,
    Conn, FirstPacket, Refused, Role, Target,
};
use crate::model::{
    drops::Reason,
    helping::{Expected, Transport},
    Ipvs,
};

impl Conn {
    /// Whether a helper expected the connection, and so it has no helper itself.
    pub(super) fn is_expected(&self) -> bool {
        let controller = self.control.as_ref();
        controller.is_some_and(|controller| !controller.is_template())
    }

    /// Prepares a connection to the same server, which this one controls. If it is there, it waits from now on.
    ///
    /// # Errors
    ///
    /// `EBUSY` if its place is taken by a connection that cannot end, or there are too many connections; `ESRCH` if this
    /// connection has ended, or its server is not configured here; `ENOMEM`.
    #[cold]
    pub(crate) fn expect(&self, expected: &Expected, guard: &Guard) -> Result {
        if self.dest.key.addr != self.server {
            return Err(ESRCH);
        }
        let conns = &self.ipvs.conns;
        let key = conns.key(Tuple {
            src: expected.client,
            sport: expected.client_port.unwrap_or(0),
            dport: expected.virtual_port,
            protocol: expected.transport.number(),
            ..self.request()
        });
        if let Some((found, FlowDirection::Request)) = conns.find(&key, guard) {
            if found.server == self.server && found.server_port == expected.server_port {
                found.wait(expected.transport);
                return Ok(());
            }
            // Nobody ends a connection whose packets may be in a helper while this one is.
            if found.is_helped() {
                return Err(EBUSY);
            }
            // As the C module does: of two servers that listen on one port for a client, the last one counts.
            if !found.end().has_ended() {
                return Err(EBUSY);
            }
        }
        let (this, _) = conns.find(&conns.key(self.request()), guard).ok_or(ESRCH)?;
        let control = match core::ptr::eq(this.get(), self) {
            true => ControllerRef::at(this),
            false => None,
        };
        let mut flags = ConnFlags::for_server(0);
        if expected.client_port.is_none() {
            flags = flags.with(ConnFlags::NO_CLIENT_PORT);
        }
        if self.is_tracked() {
            flags = flags.with(ConnFlags::NFCT);
        }
        let target = Target {
            dest: &self.dest,
            port: expected.server_port,
            flags,
        };
        let first = FirstPacket {
            key: &key,
            mark: self.mark,
        };
        let control = Some(control.ok_or(ESRCH)?);
        let role = Role::Connection { control };
        match Self::enter(self.ipvs.as_ref(), target, &first, role, guard) {
            Ok(conn) => {
                conn.wait(expected.transport);
                if expected.client_port.is_none() {
                    conns.expect_one_more();
                }
                Ok(())
            }
            Err(Refused::Drop(Reason::NoMemory)) => Err(ENOMEM),
            Err(Refused::Drop(_) | Refused::Exists) => Err(EBUSY),
        }
    }

    /// Takes the connection that is expected from any port of a client, for its first packet.
    ///
    /// # Errors
    ///
    /// The reason to drop the packet, to be counted.
    #[cold]
    pub(crate) fn claim<'g>(
        ipvs: Ref<'_, Ipvs>,
        key: &TableKey,
        guard: &'g Guard,
    ) -> Result<Option<Ref<'g, Self>>, Reason> {
        let conns = &ipvs.get().conns;
        let from_any_port = conns.key(Tuple {
            sport: 0,
            ..*key.tuple()
        });
        let Some((found, FlowDirection::Request)) = conns.find(&from_any_port, guard) else {
            return Ok(None);
        };
        let condition = found.condition();
        // One that another director has told of may have no server here.
        let is_here = found.dest.key.addr == found.server;
        if !condition.flags().has(ConnFlags::NO_CLIENT_PORT) || !is_here {
            return Ok(None);
        }
        // Before it ends, as the controller might end with it.
        let control = found.control.as_ref();
        let control = control.and_then(|control| ControllerRef::at(control.as_ref()));
        if found.end() != End::Now || found.dest.is_deleted() {
            return Ok(None);
        }
        let flags = condition
            .flags()
            .without(ConnFlags::NO_CLIENT_PORT)
            .with(ConnFlags::INACTIVE);
        let target = Target {
            dest: &found.dest,
            port: found.server_port,
            flags,
        };
        let first = FirstPacket {
            key,
            mark: found.mark,
        };
        let transport = match found.protocol {
            proto::TCP => Transport::Tcp,
            _ => Transport::Udp,
        };
        let role = Role::Connection { control };
        match Self::enter(ipvs, target, &first, role, guard) {
            Ok(conn) => {
                conn.wait(transport);
                Ok(Some(conn.until_end_of(guard)))
            }
            Err(Refused::Drop(reason)) => Err(reason),
            Err(Refused::Exists) => Err(Reason::Helper),
        }
    }

    /// Lets the connection wait for a first packet, as if it were new.
    fn wait(&self, transport: Transport) {
        loop {
            let from = self.condition();
            let flags = from.flags().with(ConnFlags::INACTIVE);
            let to = Condition::new(flags, first_state(transport));
            if self.condition.change(from, to) {
                let was_active = !from.flags().has(ConnFlags::INACTIVE);
                if was_active && !from.flags().has(ConnFlags::ENDED) {
                    self.dest.count_active(false);
                }
                break;
            }
        }
        self.live_for(self.patience(transport));
    }

    /// The time for which a connection is expected, in ticks.
    fn patience(&self, transport: Transport) -> u32 {
        let timeouts = self.settings().timeouts();
        let seconds = match transport {
            Transport::Tcp => timeouts.tcp(tcp::State::Listen),
            Transport::Udp => timeouts.udp,
        };
        // CAST: `HZ` is 1,000 at most.
        seconds.saturating_mul(HZ as u32)
    }
}

/// The number of the state in which a connection waits for its first packet.
const fn first_state(transport: Transport) -> u8 {
    match transport {
        Transport::Tcp => tcp::State::Listen.number(),
        Transport::Udp => 0,
    }
}
