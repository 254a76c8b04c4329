// SPDX-License-Identifier: GPL-2.0

//! The tuples by which packets find a connection.

use ipvs_core::{
    conn::Method,
    flow::{FlowDirection, Tuple},
};

use knet::rcu;

use super::Conn;

impl Conn {
    /// Whether packets from the server find the connection by a second node. With NAT they have the address of the
    /// server, so their tuple is not the client's tuple in reverse.
    #[inline]
    pub(super) fn has_server_node(&self) -> bool {
        !self.is_template() && matches!(self.method(), Method::Nat)
    }

    /// The tuple of a packet from the client.
    #[inline]
    pub(crate) fn request(&self) -> Tuple {
        Tuple {
            src: self.client,
            sport: self.client_port,
            dst: self.virtual_addr,
            dport: self.virtual_port,
            protocol: self.protocol,
            family: self.family,
        }
    }

    /// The tuple of a packet from the server.
    ///
    /// With NAT the packet still has the address of the server. With other methods the server answers with the
    /// address of the virtual service.
    #[inline]
    pub(crate) fn reply(&self) -> Tuple {
        match self.method() {
            Method::Nat => self.reply_by_nat(),
            _ => Tuple {
                src: self.virtual_addr,
                sport: self.virtual_port,
                ..self.reply_by_nat()
            },
        }
    }

    /// The tuple of a packet from the server of a connection by NAT.
    #[inline]
    pub(super) fn reply_by_nat(&self) -> Tuple {
        Tuple {
            src: self.server,
            sport: self.server_port,
            dst: self.client,
            dport: self.client_port,
            protocol: self.protocol,
            family: self.family,
        }
    }

    /// The direction of packets with these two ends on the connection; [`None`] if they are not of it.
    #[inline(always)]
    pub(crate) fn direction_of(&self, tuple: &Tuple) -> Option<FlowDirection> {
        let (method, server) = (self.method(), (self.server, self.server_port));
        let (src, dst) = ((tuple.src, tuple.sport), (tuple.dst, tuple.dport));
        let client = (self.client, self.client_port);
        let service = (self.virtual_addr, self.virtual_port);
        if (tuple.protocol, tuple.family) != (self.protocol, self.family) || self.is_template() {
            return None;
        }
        if (src, dst) == (client, service) {
            return Some(FlowDirection::Request);
        }
        let end = match method {
            Method::Nat => server,
            _ => service,
        };
        ((src, dst) == (end, client)).then_some(FlowDirection::Reply)
    }

    /// The tuple of the template that controls the connection; [`None`] if there is none that further connections may
    /// use, or none that its tuple alone identifies.
    pub(crate) fn controlling_template(&self) -> Option<Tuple> {
        let controller = self.control.as_ref()?;
        let is_useful = controller.is_template()
            && !controller.is_invalidated()
            && controller.engine_data().is_none();
        is_useful.then(|| controller.request())
    }

    /// Whether the table has another connection under the same key.
    pub(crate) fn has_successor(&self) -> bool {
        let (guard, conns) = (rcu::read_lock(), &self.ipvs.conns);
        let (tuple, engine_data) = (self.request(), self.engine_data());
        let found = match self.is_template() {
            true => {
                let key = conns.template_key(tuple, engine_data);
                conns.template(&key, engine_data, &guard)
            }
            false => conns.find(&conns.key(tuple), &guard).map(|(conn, _)| conn),
        };
        found.is_some_and(|found| !core::ptr::eq(found.get(), self))
    }
}
