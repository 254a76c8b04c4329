// SPDX-License-Identifier: GPL-2.0

//! Commands from user space: the generic netlink family `IPVS`.
//!
//! ```text
//!   attributes ──> config::request ──> configure ──> the model
//!   attributes <── config::reply   <──────────────── the model
//! ```
//!
//! Every command is for who has `CAP_NET_ADMIN` in the initial user namespace, and acts on the
//! network namespace of the socket that it was sent from.

mod daemons;
mod servers;
mod services;
mod settings;
mod sink;

use ipvs_core::{
    config::request::Request as Attributes,
    uapi::{self, command},
};
use kernel::prelude::*;
use knet::{
    genetlink::{Family, Operation, Policy, Request},
    net_namespace,
    rcu::{self, Arc},
};

pub use knet::genetlink::Registration;

use crate::{errno, netns::Ipvs};

static FAMILY: Family = Family::new(
    uapi::FAMILY_NAME,
    uapi::FAMILY_VERSION,
    RESERVED_START,
    POLICY,
    OPERATIONS,
);

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
    of(command::NEW_SERVICE).run::<services::New>(),
    of(command::SET_SERVICE).run::<services::Set>(),
    of(command::DEL_SERVICE).run::<services::Delete>(),
    of(command::GET_SERVICE)
        .run::<services::Get>()
        .dump::<services::GetAll>(),
    of(command::NEW_DEST).run::<servers::New>(),
    of(command::SET_DEST).run::<servers::Set>(),
    of(command::DEL_DEST).run::<servers::Delete>(),
    of(command::GET_DEST).dump::<servers::GetAll>(),
    of(command::NEW_DAEMON).run::<daemons::New>(),
    of(command::DEL_DAEMON).run::<daemons::Delete>(),
    of(command::GET_DAEMON).dump::<daemons::GetAll>(),
    of(command::SET_CONFIG).run::<settings::Set>(),
    of(command::GET_CONFIG).run::<settings::Get>(),
    of(command::GET_INFO).run::<settings::Info>(),
    of(command::ZERO).run::<services::Zero>(),
    of(command::FLUSH).run::<services::Flush>(),
];

const fn of(command: u8) -> Operation {
    Operation::new(command).admin().liberal()
}

/// Lets user space send commands to `module`, until the registration is dropped.
///
/// To be called last: commands may come at once.
///
/// # Errors
///
/// `EEXIST` if there is an `IPVS` already.
pub fn register(module: &'static ThisModule) -> Result<Registration> {
    FAMILY.register(module)
}

/// What IPVS knows in the namespace of a request.
fn ipvs(request: &Request) -> Result<Arc<Ipvs>> {
    let guard = rcu::read_lock();
    let ipvs = net_namespace::state::<Ipvs>(request.net(), &guard).ok_or(ENOENT)?;
    ipvs.try_clone().ok_or(ENOENT)
}

/// The attributes of a request.
fn attributes(request: &Request) -> Result<Attributes<'_>> {
    Attributes::parse(request.attributes()).map_err(errno::of_request)
}
