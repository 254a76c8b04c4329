// SPDX-License-Identifier: GPL-2.0

//! The helper of a connection: see [`helping`].

use ipvs_core::{
    conn::{ConnFlags, Method},
    proto::Direction,
};
use knet::rcu::{self, Guard};

use super::{condition::Condition, Conn};
use crate::model::helping::{self, Exchange, Party};

impl Conn {
    /// Binds a new connection to the helper for its virtual port, if it is to have one.
    #[inline]
    pub(super) fn bind_helper(&self, guard: &Guard) {
        if let Some(incarnation) = helping::of_new(self.protocol, self.virtual_port, guard) {
            let flags = self.condition().flags();
            if flags.method() == Method::Nat
                && !self.is_template()
                && incarnation.bind(&self.ipvs.helped)
            {
                self.condition.add(Condition::new(ConnFlags::HELPED, 0));
            }
        }
    }

    /// Takes [`bind_helper`](Self::bind_helper) back, once, at the end of a connection that had these flags.
    #[inline]
    pub(super) fn unbind_helper(&self, flags: ConnFlags) {
        if flags.has(ConnFlags::HELPED) {
            self.leave_helper();
        }
    }

    #[cold]
    fn leave_helper(&self) {
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

    /// What helpers are told of the connection of a packet.
    pub(crate) fn exchange(&self, direction: Direction) -> Exchange {
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
        }
    }
}
