// SPDX-License-Identifier: GPL-2.0

//! Commands from user space: the generic netlink family `IPVS`.
//!
//! ```text
//!   attributes ──> config::request ──> configure ──> the model
//!   attributes <── config::reply   <──────────────── the model
//! ```
//!
//! Commands up to 17 are those of the C module, with its leniency; the additions are checked
//! strictly, see [`policy`].
//!
//! Every command needs `CAP_NET_ADMIN` in the initial user namespace, and acts on the
//! network namespace of the socket that it was sent from.

mod apply;
mod conns;
mod daemons;
mod policy;
mod saved;
mod servers;
mod services;
mod settings;
pub(super) mod sink;
pub(super) mod sync;

use ipvs_core::{
    config::request::TopLevel,
    uapi::{
        self,
        additions::{self, command as new},
        command,
    },
};
use kernel::prelude::*;
use knet::{
    genetlink::{GenlFamily, Group, Operation, Policy, Request},
    net_namespace,
    rcu::{self, Arc},
};

pub use knet::genetlink::Registration;

use super::refusal::Refusal;
use crate::model::{origin::Origin, Ipvs};

pub(crate) static FAMILY: GenlFamily = GenlFamily::new(
    uapi::FAMILY_NAME,
    uapi::FAMILY_VERSION,
    RESERVED_START,
    POLICY,
    OPERATIONS,
    &[Group::admin(additions::GROUP)],
);

/// The group that is told of changes, by its place in the list.
pub(crate) const MONITOR: u32 = 0;

/// The first command of which the C core asks for more than the C module did.
const RESERVED_START: u8 = command::FLUSH + 1;

/// By the numbers of the attributes, see [`uapi::top`].
const POLICY: &[Policy] = &[
    Policy::ANY,
    Policy::NESTED, // SERVICE
    Policy::NESTED, // DEST
    Policy::NESTED, // DAEMON
    Policy::U32,    // TIMEOUT_TCP
    Policy::U32,    // TIMEOUT_TCP_FIN
    Policy::U32,    // TIMEOUT_UDP
];

const OPERATIONS: &[Operation] = &[
    of(command::NEW_SERVICE).doit::<services::New>(),
    of(command::SET_SERVICE).doit::<services::Set>(),
    of(command::DEL_SERVICE).doit::<services::Delete>(),
    of(command::GET_SERVICE)
        .doit::<services::Get>()
        .dumpit::<services::GetAll>(),
    of(command::NEW_DEST).doit::<servers::New>(),
    of(command::SET_DEST).doit::<servers::Set>(),
    of(command::DEL_DEST).doit::<servers::Delete>(),
    of(command::GET_DEST).dumpit::<servers::GetAll>(),
    of(command::NEW_DAEMON).doit::<daemons::New>(),
    of(command::DEL_DAEMON).doit::<daemons::Delete>(),
    of(command::GET_DAEMON).dumpit::<daemons::GetAll>(),
    of(command::SET_CONFIG).doit::<settings::Set>(),
    of(command::GET_CONFIG).doit::<settings::Get>(),
    of(command::GET_INFO).doit::<settings::Info>(),
    of(command::ZERO).doit::<services::Zero>(),
    of(command::FLUSH).doit::<services::Flush>(),
    Operation::new(new::GET_CONN)
        .admin_perm()
        .policy(policy::GET_CONN)
        .dumpit::<conns::GetAll>(),
    Operation::new(new::DEL_CONN)
        .admin_perm()
        .policy(policy::DEL_CONN)
        .doit::<conns::Delete>(),
    Operation::new(new::APPLY)
        .admin_perm()
        .policy(policy::APPLY)
        .doit::<apply::Apply>(),
    Operation::new(new::SAVE_CONN)
        .admin_perm()
        .policy(policy::SAVE_CONN)
        .dumpit::<saved::Save>(),
    Operation::new(new::RESTORE_CONN)
        .admin_perm()
        .policy(policy::RESTORE_CONN)
        .doit::<saved::Restore>(),
    Operation::new(new::SET_SYNC_KEYS)
        .admin_perm()
        .policy(policy::SET_SYNC_KEYS)
        .doit::<sync::SetKeys>(),
    Operation::new(new::SET_SYNC_PEERS)
        .admin_perm()
        .policy(policy::SET_SYNC_PEERS)
        .doit::<sync::SetPeers>(),
    Operation::new(new::GET_SYNC)
        .admin_perm()
        .policy(policy::GET_SYNC)
        .dumpit::<sync::Get>(),
];

const fn of(command: u8) -> Operation {
    Operation::new(command).admin_perm().liberal()
}

/// Lets user space send commands, until the registration is dropped.
///
/// Commands may come at once. The lists of services, servers and connections are to be had when it
/// was opened.
///
/// # Errors
///
/// `EEXIST` if there is an `IPVS` already, `ENOMEM`.
pub fn register() -> Result<Registration> {
    FAMILY.register()
}

/// What IPVS knows in the namespace of a request.
fn ipvs(request: &Request) -> Result<Arc<Ipvs>> {
    let guard = rcu::read_lock();
    let ipvs = net_namespace::state::<Ipvs>(request.net(), &guard).ok_or(ENOENT)?;
    ipvs.try_clone().ok_or(ENOENT)
}

/// The origin of the changes that a request asks for.
fn origin(request: &Request) -> Origin<'_> {
    Origin::netlink(request.net(), request.port())
}

/// The attributes of a request.
#[inline(always)]
fn attributes(request: &Request) -> Result<TopLevel<'_>, Refusal> {
    Ok(TopLevel::parse(request.attributes())?)
}

/// Does what a request asks for, and tells its sender why that is refused.
fn answer(request: &Request, change: impl FnOnce() -> Result<(), Refusal>) -> Result {
    change().map_err(|Refusal { error, text }| {
        request.set_err_msg_attr(&[], fmt!("{text}"));
        error
    })
}
