// SPDX-License-Identifier: GPL-2.0

//! The generic netlink family `KTCPVS`: `include/uapi/ktcpvs.h`.
//!
//! Every command needs `CAP_NET_ADMIN` in the initial user namespace, and acts on the network namespace of the socket that it was sent from.
//! The C core checks the form of each request by [`policy`], strictly; [`ktcpvs_core::message`] reads it.

pub(super) mod listings;
mod policy;
mod relays;
pub(super) mod sink;

use kernel::prelude::*;
use knet::{
    genetlink::{Do, GenlFamily, Group, Operation, Request},
    net_namespace,
    rcu::{self, Arc},
};
use ktcpvs_core::{
    message::{Error as Wrong, Rule, Server, Service},
    uapi::{self, command, top},
};

pub use knet::genetlink::Registration;

use super::{apply, configure::Changes, failure::Failure, monitor::Origin};
use crate::netns::Ktcpvs;
use ipvs_core::nla::Iter;

/// The index of the group that is told of changes.
pub(super) const MONITOR: u32 = 0;

pub(super) static FAMILY: GenlFamily = GenlFamily::new(
    uapi::FAMILY_NAME,
    uapi::FAMILY_VERSION,
    0,
    policy::NOTHING,
    OPERATIONS,
    &[Group::admin(uapi::GROUP)],
);

const OPERATIONS: &[Operation] = &[
    of(command::NEW_SERVICE)
        .policy(policy::SERVICE)
        .doit::<Run<NewService>>(),
    of(command::SET_SERVICE)
        .policy(policy::SERVICE)
        .doit::<Run<SetService>>(),
    of(command::DEL_SERVICE)
        .policy(policy::NAME)
        .doit::<Run<DeleteService>>(),
    of(command::GET_SERVICE)
        .policy(policy::NAME)
        .doit::<Run<listings::OneService>>()
        .dumpit::<listings::Services>(),
    of(command::NEW_SERVER)
        .policy(policy::SERVER)
        .doit::<Run<NewServer>>(),
    of(command::SET_SERVER)
        .policy(policy::SERVER)
        .doit::<Run<SetServer>>(),
    of(command::DEL_SERVER)
        .policy(policy::SERVER)
        .doit::<Run<DeleteServer>>(),
    of(command::GET_SERVER)
        .policy(policy::NAME)
        .dumpit::<listings::Servers>(),
    of(command::NEW_RULE)
        .policy(policy::RULE)
        .doit::<Run<NewRule>>(),
    of(command::DEL_RULE)
        .policy(policy::RULE)
        .doit::<Run<DeleteRule>>(),
    of(command::GET_RULE)
        .policy(policy::NAME)
        .dumpit::<listings::Rules>(),
    of(command::FLUSH)
        .policy(policy::NOTHING)
        .doit::<Run<Flush>>(),
    of(command::START).policy(policy::NAME).doit::<Run<Start>>(),
    of(command::STOP).policy(policy::NAME).doit::<Run<Stop>>(),
    of(command::INFO)
        .policy(policy::NOTHING)
        .doit::<Run<Info>>(),
    of(command::APPLY)
        .policy(policy::APPLY)
        .doit::<Run<Apply>>(),
    of(command::GET_RELAY)
        .policy(policy::RELAY)
        .dumpit::<relays::Relays>(),
    of(command::DEL_RELAY)
        .policy(policy::END_RELAYS)
        .doit::<Run<relays::End>>(),
];

const fn of(command: u8) -> Operation {
    Operation::new(command).admin_perm()
}

/// Lets user space send commands, until the registration is dropped. Lists are to be had when it was opened.
///
/// # Errors
///
/// `EEXIST` if there is a `KTCPVS` already, `ENOMEM`.
pub fn register() -> Result<Registration> {
    FAMILY.register()
}

/// A command that is not answered with a list.
trait Command {
    fn run(ktcpvs: &Ktcpvs, request: &Request) -> Result<(), Failure>;
}

/// A [`Command`] as the C core calls it.
struct Run<C>(core::marker::PhantomData<C>);

impl<C: Command + 'static> Do for Run<C> {
    fn run(request: &Request) -> Result {
        C::run(&*ktcpvs(request)?, request).map_err(|failure| failure.tell(request))
    }
}

/// What the namespace of a request has.
fn ktcpvs(request: &Request) -> Result<Arc<Ktcpvs>> {
    let guard = rcu::read_lock();
    let ktcpvs = net_namespace::state::<Ktcpvs>(request.net(), &guard).ok_or(ENOENT)?;
    ktcpvs.try_clone().ok_or(ENOENT)
}

/// The attribute of a number.
fn nest(request: &Request, wanted: u16) -> Option<&[u8]> {
    let mut found = Iter::new(request.attributes()).filter(|(kind, _)| *kind == wanted);
    found.next().map(|(_, nest)| nest)
}

/// The service that a request tells of.
fn service(request: &Request) -> Result<Service<'_>, Failure> {
    let nest = nest(request, top::SERVICE).ok_or(Wrong::Missing("a service is missing"))?;
    Ok(Service::read(nest)?)
}

/// The name of the service that a request is about, if it names one.
fn named(request: &Request) -> Result<Option<&[u8]>, Failure> {
    match nest(request, top::SERVICE) {
        Some(nest) => Ok(Some(Service::read(nest)?.name)),
        None => Ok(None),
    }
}

fn server(request: &Request) -> Result<Server, Failure> {
    let nest = nest(request, top::SERVER).ok_or(Wrong::Missing("a server is missing"))?;
    Ok(Server::read(nest)?)
}

fn rule(request: &Request) -> Result<Rule<'_>, Failure> {
    let nest = nest(request, top::RULE).ok_or(Wrong::Missing("a rule is missing"))?;
    Ok(Rule::read(nest)?)
}

/// Commands whose work [`Changes`] does.
macro_rules! commands {
    ($($(#[$doc:meta])* $name:ident = |$changes:ident, $request:ident| $run:expr;)*) => {$(
        $(#[$doc])*
        struct $name;

        impl Command for $name {
            fn run(ktcpvs: &Ktcpvs, $request: &Request) -> Result<(), Failure> {
                let $changes = Changes::new(ktcpvs, Origin::of($request));
                $run
            }
        }
    )*};
}

commands! {
    /// `NEW_SERVICE`.
    NewService = |changes, request| changes.add_service(&service(request)?);
    /// `SET_SERVICE`.
    SetService = |changes, request| changes.edit_service(&service(request)?);
    /// `DEL_SERVICE`.
    DeleteService = |changes, request| changes.delete_service(service(request)?.name);
    /// `NEW_SERVER`.
    NewServer = |changes, request| changes.add_server(service(request)?.name, &server(request)?);
    /// `SET_SERVER`.
    SetServer = |changes, request| changes.edit_server(service(request)?.name, &server(request)?);
    /// `DEL_SERVER`.
    DeleteServer = |changes, request| {
        changes.delete_server(service(request)?.name, &server(request)?)
    };
    /// `NEW_RULE`.
    NewRule = |changes, request| changes.add_rule(service(request)?.name, &rule(request)?);
    /// `DEL_RULE`.
    DeleteRule = |changes, request| changes.delete_rule(service(request)?.name, &rule(request)?);
    /// `FLUSH`.
    Flush = |changes, _request| {
        changes.flush();
        Ok(())
    };
    /// `START`.
    Start = |changes, request| changes.start(named(request)?);
    /// `STOP`.
    Stop = |changes, request| changes.stop(named(request)?);
}

/// `INFO`.
struct Info;

impl Command for Info {
    fn run(_: &Ktcpvs, request: &Request) -> Result<(), Failure> {
        let version = uapi::VERSION.to_ne_bytes();
        Ok(request.reply(command::INFO, |message| message.put(top::VERSION, &version))?)
    }
}

/// `APPLY`.
struct Apply;

impl Command for Apply {
    fn run(ktcpvs: &Ktcpvs, request: &Request) -> Result<(), Failure> {
        apply::apply(ktcpvs, &Origin::of(request), request.attributes())
    }
}
