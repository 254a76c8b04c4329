// SPDX-License-Identifier: GPL-2.0

//! The server that a new connection goes to.

use ipvs_core::flow::Flow;
use knet::{
    netfilter::HookState,
    rcu::{Arc, Ref},
};

use super::complaint;
use crate::model::{
    conn::{control::Control, Conn, FirstPacket, Refused, Role, Target},
    drops::Reason,
    member::Member,
    pool::Pool,
    scheduling::Arrival,
    service::Service,
    Ipvs,
};

/// Where the connection of a packet is to go.
pub(super) struct Choice<'g> {
    pub(super) target: Target<'g>,
    /// A place at the connection that is to control it.
    pub(super) control: Option<Control>,
}

/// Why there is no server for a packet.
pub(super) enum Unscheduled {
    /// There is none.
    NoServer,
    /// There is no room for what has to be remembered, or no service any more.
    Drop(Reason),
}

/// The server of a service's pool that its scheduler chooses.
pub(super) fn schedule<'g>(
    service: &Service,
    pool: &'g Pool,
    flow: &Flow,
    context: &HookState<'g>,
) -> Result<&'g Member, Unscheduled> {
    let arrival = Arrival {
        flow,
        is_inverse: false,
        flags: pool.settings().flags,
    };
    match pool.schedule(&arrival, context.rcu) {
        Some(member) => Ok(member),
        None => {
            complaint::no_server(service, pool, &arrival, context.rcu);
            Err(Unscheduled::NoServer)
        }
    }
}

/// Makes a connection, found by the packets that come after this one.
pub(super) fn connect(
    ipvs: Ref<'_, Ipvs>,
    choice: Choice<'_>,
    first: &FirstPacket,
    context: &HookState<'_>,
) -> Result<Arc<Conn>, Refused> {
    let Choice { target, control } = choice;
    let role = Role::Connection { control };
    Conn::enter(ipvs, target, first, role, context.rcu)
}
