// SPDX-License-Identifier: GPL-2.0

//! The server that a new connection goes to.

use ipvs_core::flow::Flow;
use knet::{
    netfilter::HookState,
    rcu::{Arc, Ref},
};

use super::complaint;
use crate::model::{
    conn::{control::ControllerRef, Conn, FirstPacket, Refused, Role, Target},
    drops::Reason,
    member::Member,
    pool::Pool,
    scheduling::Arrival,
    service::Service,
    Ipvs,
};

/// The server that was chosen for the connection of a packet.
pub(super) struct ChosenServer<'g> {
    pub(super) target: Target<'g>,
    /// The place at the connection that will control it.
    pub(super) control: Option<ControllerRef>,
}

/// The reason for which no server was chosen.
pub(super) enum NotScheduled {
    /// The service has no server for the packet.
    NoServer,
    /// There is no room for the template, or the service was deleted.
    Drop(Reason),
}

/// The server that the scheduler chooses from the pool of a service.
pub(super) fn schedule<'g>(
    service: &Service,
    pool: &'g Pool,
    flow: &Flow,
    context: &HookState<'g>,
) -> Result<&'g Member, NotScheduled> {
    let arrival = Arrival {
        flow,
        is_inverse: false,
        flags: pool.settings().flags,
    };
    match pool.schedule(&arrival, context.rcu) {
        Some(member) => Ok(member),
        None => {
            complaint::no_server(service, pool, &arrival, context.rcu);
            Err(NotScheduled::NoServer)
        }
    }
}

/// Makes a connection, which later packets find.
pub(super) fn connect(
    ipvs: Ref<'_, Ipvs>,
    choice: ChosenServer<'_>,
    first: &FirstPacket<'_>,
    context: &HookState<'_>,
) -> Result<Arc<Conn>, Refused> {
    let ChosenServer { target, control } = choice;
    let role = Role::Connection { control };
    Conn::enter(ipvs, target, first, role, context.rcu)
}
