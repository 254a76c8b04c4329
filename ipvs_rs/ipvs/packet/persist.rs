// SPDX-License-Identifier: GPL-2.0

//! The servers of clients that come back: see [`ipvs_core::persist`].
//!
//! ```text
//!                    connection        connection          (time passes,
//!                    of its client      established         no connection left)
//!   nobody ─────────────────> NONE ─────────────> ASSURED ─────────────────────> ended
//!                               │ server deleted     │
//!                               └──────┬─────────────┘
//!                                      v      (time passes, no connection left)
//!                                invalidated ───────────────────────────────────> ended
//! ```

use core::sync::atomic::Ordering::Relaxed;
use ipvs_core::{
    flow::Flow,
    persist::{self, Group, TemplateServer},
};
use knet::{netfilter::HookState, rcu::Ref};

use super::choice::{schedule, Choice, Unscheduled};
use crate::model::{
    conn::{control::Control, Conn, FirstPacket, Refused, Role, Target},
    drops::Reason,
    pool::Pool,
    service::Service,
    Ipvs,
};

/// The server of a packet with `mark` to a persistent service: that which the client had, or a new one.
///
/// # Errors
///
/// There is no server, or no room for the template.
pub(super) fn choose<'g>(
    ipvs: Ref<'g, Ipvs>,
    service: &Service,
    pool: &'g Pool,
    (flow, mark): (&Flow, u32),
    context: &HookState<'g>,
) -> Result<Choice<'g>, Unscheduled> {
    let group = Group::new(flow, &service.key, pool.settings().netmask);
    if let Some(choice) = remembered(ipvs, pool, &group, context) {
        return Ok(choice);
    }
    let server = schedule(service, pool, flow, context)?;
    let target = |port| Target {
        dest: server.dest(),
        port,
        flags: server.conn_flags(),
    };
    let (port, template_port) = (
        group.connection_port(server.key.port),
        group.template_port(server.key.port),
    );
    let first = FirstPacket {
        request: group.template,
        mark,
    };
    match remember(ipvs, pool, &first, target(template_port), context) {
        Ok(control) => Ok(Choice {
            target: target(port),
            control: Some(control),
        }),
        Err(Refused::Exists) => {
            let choice = remembered(ipvs, pool, &group, context);
            choice.ok_or(Unscheduled::Drop(Reason::ServerDeleted))
        }
        Err(Refused::Drop(reason)) => Err(Unscheduled::Drop(reason)),
    }
}

/// The server that the client had, if it is still there.
fn remembered<'g>(
    ipvs: Ref<'g, Ipvs>,
    pool: &Pool,
    group: &Group,
    context: &HookState<'g>,
) -> Option<Choice<'g>> {
    let template = ipvs.get().conns.template(&group.template, context.rcu)?;
    let dest = &template.get().dest;
    let server = TemplateServer {
        is_available: dest.is_available(),
        // Also in the pool that another one would come from: the server may have a later one.
        is_quiesced: dest.is_quiesced() && pool.quiesces(&dest.key),
    };
    let expire_quiescent = ipvs.settings.expire_quiescent_template.load(Relaxed) != 0;
    if !persist::is_valid(server, expire_quiescent) {
        template.invalidate();
        return None;
    }
    // If there is none, the template has ended just now.
    let control = Control::at(template)?;
    template.start_anew();
    Some(Choice {
        target: Target {
            dest,
            port: group.connection_port(dest.key.port),
            flags: dest.conn_flags(),
        },
        control: Some(control),
    })
}

/// Remembers a server for the clients of a group, whose template has the tuple of `first`, for a connection that the
/// template controls.
fn remember(
    ipvs: Ref<'_, Ipvs>,
    pool: &Pool,
    first: &FirstPacket,
    target: Target<'_>,
    context: &HookState<'_>,
) -> Result<Control, Refused> {
    let role = Role::Template {
        timeout: pool.settings().timeout_ticks(),
    };
    let template = Conn::enter(ipvs, target, first, role, context.rcu)?;
    Ok(Control::first(template))
}
