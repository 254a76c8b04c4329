// SPDX-License-Identifier: GPL-2.0

//! The helper of a connection: see [`helping`].

use ipvs_core::{
    conn::{ConnFlags, Method},
    proto::Direction,
};
use knet::rcu::{self, Guard};

use super::{condition::Condition, Conn};
use crate::model::{
    attachment::Session,
    duties::Track,
    helping::{self, Exchange, Incarnation, Party, Transport},
};

/// The flags of connections that the end of a connection has more work with.
const SPECIAL: u32 = ConnFlags::HELPED.with(ConnFlags::NO_CLIENT_PORT).bits();

impl Conn {
    /// Binds a new connection to the helper for its virtual port, if it is to have one.
    #[inline]
    pub(super) fn bind_helper(&self, guard: &Guard) {
        if let Some(incarnation) = helping::of_new(self.protocol, self.virtual_port, guard) {
            self.bind_to(incarnation);
        }
    }

    #[cold]
    fn bind_to(&self, helper: &Incarnation) {
        let is_nat = self.condition().flags().method() == Method::Nat;
        if !is_nat || self.is_template() || self.is_expected() || !helper.bind(&self.ipvs.helped) {
            return;
        }
        // Without memory for what the helper remembers, it refuses the packets.
        if let Ok(Some(attachment)) = helper.attachment() {
            self.attachment.set(attachment);
        }
        let flags = match helper.transport {
            Transport::Udp => ConnFlags::HELPED,
            Transport::Tcp => {
                Track::consider(&self.ipvs, self.family);
                ConnFlags::HELPED.with(ConnFlags::NFCT)
            }
        };
        self.condition.add(Condition::new(flags, 0));
    }

    /// Takes [`bind_helper`](Self::bind_helper) back, once, at the end of a connection that had these flags, and the count of
    /// connections that are expected.
    #[inline]
    pub(super) fn unbind_helper(&self, flags: ConnFlags) {
        if flags.bits() & SPECIAL != 0 {
            self.leave_helper(flags);
        }
    }

    #[cold]
    fn leave_helper(&self, flags: ConnFlags) {
        if flags.has(ConnFlags::NO_CLIENT_PORT) {
            self.ipvs.conns.expect_one_less();
        }
        if !flags.has(ConnFlags::HELPED) {
            return;
        }
        // Before the module may go, whose functions drop the state.
        if let Some(session) = self.session() {
            session.end();
        }
        let guard = rcu::read_lock();
        // It is there as long as a connection is bound to it.
        if let Some(incarnation) = helping::find(self.protocol, self.virtual_port, &guard) {
            incarnation.unbind(&self.ipvs.helped);
        }
    }

    /// Whether a helper looks at the packets.
    #[inline]
    pub(crate) fn is_helped(&self) -> bool {
        self.condition().flags().has(ConnFlags::HELPED)
    }

    /// What its helper remembers of the connection.
    pub(crate) fn session(&self) -> Option<&Session> {
        Some(self.attachment.get()?.session())
    }

    /// What helpers are told of the connection of a packet.
    pub(crate) fn exchange<'a>(&'a self, direction: Direction, guard: &'a Guard) -> Exchange<'a> {
        let party = |addr, port| Party {
            family: self.family,
            addr,
            port,
        };
        Exchange {
            direction,
            client: party(self.client, self.client_port),
            service: party(self.virtual_addr, self.virtual_port),
            server: party(self.server, self.server_port),
            conn: self,
            guard,
        }
    }
}
