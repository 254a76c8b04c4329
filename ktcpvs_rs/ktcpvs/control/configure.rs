// SPDX-License-Identifier: GPL-2.0

//! Changes of one thing. Each is made as a whole, or not at all.

use core::cell::Cell;
use ipvs_core::config::Name;
use kernel::{prelude::*, sync};
use knet::{errno, rcu::Arc, vec::VecExt};
use ktcpvs_core::{
    message::{self, Action, Endpoint},
    uapi::service_flags,
};

use super::{failure::Failure, monitor::Origin};
use crate::{
    netns::{Config as Services, Ktcpvs},
    scheduler::{self, Member},
    server::Server,
    service::{copy, Body, Config, Draft, Rule, Service},
};

/// The greatest number of servers of a service, and of rules.
pub(super) const MOST: usize = 4_096;
/// The scheduler of a service that names none.
const SCHEDULER: &[u8] = b"http";
/// The weight of a server of which none is said.
const WEIGHT: u16 = 1;

impl Services {
    /// The service of a name.
    ///
    /// # Errors
    ///
    /// `ESRCH` if there is none.
    pub(super) fn find(&self, name: &[u8]) -> Result<Arc<Service>> {
        let mut all = self.services.iter();
        let found = all.find(|service| service.name.as_bytes() == name);
        found.cloned().ok_or(ESRCH)
    }
}

/// Refuses what is not possible while the module is to be unloaded.
fn check_loaded(ktcpvs: &Ktcpvs) -> Result {
    match ktcpvs.settings.is_unloading() {
        true => Err(errno::eshutdown()),
        false => Ok(()),
    }
}

pub(super) fn name(name: &[u8]) -> Result<Name> {
    Name::new(name).ok_or(EINVAL)
}

/// The settings that a request asks for, beginning with those that there are.
pub(super) fn settings(
    mut config: Config,
    wanted: &message::Service<'_>,
) -> Result<Config, Failure> {
    if let Some((family, addr)) = wanted.addr {
        (config.listen.family, config.listen.addr) = (family, addr);
    }
    if let Some(port) = wanted.port {
        config.listen.port = port;
    }
    if let Some(scheduler) = wanted.scheduler {
        config.scheduler = name(scheduler)?;
    }
    for (number, wanted) in config.numbers.iter_mut().zip(wanted.numbers) {
        *number = wanted.unwrap_or(*number);
    }
    match wanted.redirect {
        Some((_, _, 0)) => config.redirect = None,
        Some((family, addr, port)) => config.redirect = Some(Endpoint { family, addr, port }),
        None => {}
    }
    config.max_body = wanted.max_body.unwrap_or(config.max_body);
    let shown = service_flags::RUNNING | service_flags::DRAINING;
    if wanted.flags.unwrap_or(0) & !shown != 0 || wanted.trusted.is_some() {
        let why = c"forwarded, transparent, sni, proxy and trusted are not there yet";
        return Err(Failure::Told(errno::eopnotsupp(), why));
    }
    Ok(config)
}

/// The settings of a service that is new.
pub(super) fn default_settings() -> Result<Config> {
    Ok(Config::new(name(SCHEDULER)?))
}

/// Makes a body of a draft, and publishes it.
pub(super) fn publish(service: &Arc<Service>, draft: Draft) -> Result<(), Failure> {
    let (body, scheduler) = make(draft)?;
    check_running(service, &body, &scheduler)?;
    Service::publish(service, body, scheduler);
    Ok(())
}

/// Refuses what would need another listener than the one that a service has.
///
/// # Errors
///
/// `EBUSY`.
pub(super) fn check_running(
    service: &Service,
    body: &Body,
    scheduler: &scheduler::Handle,
) -> Result {
    let before = service.body.get();
    let is_there = before.is_some_and(|before| before.config.listen == body.config.listen);
    let reads = service.scheduler().map(|before| before.reads());
    match service.is_running() && !(is_there && reads == Some(scheduler.reads())) {
        true => Err(EBUSY),
        false => Ok(()),
    }
}

/// Makes a body of a draft, with its scheduler.
pub(super) fn make(draft: Draft) -> Result<(Arc<Body>, scheduler::Handle), Failure> {
    if draft.members.len() > MOST || draft.rules.len() > MOST {
        return Err(Failure::Told(E2BIG, c"there are too many servers or rules"));
    }
    let scheduler = scheduler::find(draft.config.scheduler.as_bytes())
        .map_err(|error| Failure::Told(error, c"Scheduler not found"))?;
    let body = Body::new(draft, scheduler.unheld())?;
    Ok((body, scheduler))
}

/// What a service is configured to, to be changed.
fn draft(service: &Service) -> Result<Draft> {
    service.body.get().ok_or(ESRCH)?.draft()
}

/// Adds a rule to a draft.
pub(super) fn put_rule(draft: &mut Draft, wanted: &message::Rule<'_>) -> Result<(), Failure> {
    let server = draft.server(&wanted.server).ok_or(ENOENT)?.clone();
    let is_same = |rule: &Rule| is_rule(rule, wanted, &server);
    if draft.rules.iter().any(is_same) {
        return Err(EEXIST.into());
    }
    let pattern = sync::Arc::new(copy(wanted.pattern)?, GFP_KERNEL_ACCOUNT);
    draft.rules.append(Rule {
        pattern: pattern.map_err(Error::from)?,
        group: wanted.group,
        server,
    })?;
    Ok(())
}

fn is_rule(rule: &Rule, wanted: &message::Rule<'_>, server: &Arc<Server>) -> bool {
    rule.pattern.as_slice() == wanted.pattern && rule.server.ptr_eq(server)
}

/// Changes of a namespace. Each is made as a whole, or not at all, and listeners are told of it.
pub(super) struct Changes<'a> {
    ktcpvs: &'a Ktcpvs,
    origin: Origin<'a>,
}

impl<'a> Changes<'a> {
    pub(super) fn new(ktcpvs: &'a Ktcpvs, origin: Origin<'a>) -> Self {
        Self { ktcpvs, origin }
    }

    /// Changes what a service is configured to: `edit` changes a draft of it, which is published if that succeeds; `tell` tells of it.
    fn change(
        &self,
        name: &[u8],
        edit: impl FnOnce(&mut Draft) -> Result<(), Failure>,
        tell: impl FnOnce(&Origin<'_>, &Service),
    ) -> Result<(), Failure> {
        let services = self.ktcpvs.config.lock();
        let service = services.find(name)?;
        let mut draft = draft(&service)?;
        edit(&mut draft)?;
        publish(&service, draft)?;
        tell(&self.origin, &service);
        Ok(())
    }

    pub(super) fn add_service(&self, wanted: &message::Service<'_>) -> Result<(), Failure> {
        let mut services = self.ktcpvs.config.lock();
        check_loaded(self.ktcpvs)?;
        if services.find(wanted.name).is_ok() {
            return Err(EEXIST.into());
        }
        let draft = Draft::new(settings(default_settings()?, wanted)?);
        let service = Service::new(name(wanted.name)?, self.ktcpvs.settings.clone())?;
        services.services.make_room(1)?;
        publish(&service, draft)?;
        services.services.append(service.clone())?;
        self.origin.service(Action::New, &service);
        Ok(())
    }

    pub(super) fn edit_service(&self, wanted: &message::Service<'_>) -> Result<(), Failure> {
        self.change(
            wanted.name,
            |draft| {
                draft.config = settings(draft.config, wanted)?;
                Ok(())
            },
            |origin, service| origin.service(Action::Set, service),
        )
    }

    pub(super) fn delete_service(&self, name: &[u8]) -> Result<(), Failure> {
        let mut services = self.ktcpvs.config.lock();
        let service = services.find(name)?;
        if service.is_running() {
            return Err(EBUSY.into());
        }
        services.services.keep_only(|other| !other.ptr_eq(&service));
        self.origin.named(Action::Delete, &service);
        drop(services);
        service.end();
        Ok(())
    }

    pub(super) fn add_server(
        &self,
        service: &[u8],
        wanted: &message::Server,
    ) -> Result<(), Failure> {
        let weight = wanted.weight.unwrap_or(WEIGHT);
        self.change(
            service,
            |draft| {
                if draft.find(&wanted.at).is_some() {
                    return Err(EEXIST.into());
                }
                let server = Server::new(wanted.at)?;
                Ok(draft.members.append(Member { server, weight })?)
            },
            |origin, service| origin.server(Action::New, service, &weighing(wanted, Some(weight))),
        )
    }

    pub(super) fn edit_server(
        &self,
        service: &[u8],
        wanted: &message::Server,
    ) -> Result<(), Failure> {
        let weight = Cell::new(WEIGHT);
        self.change(
            service,
            |draft| {
                let place = draft.find(&wanted.at).ok_or(ENOENT)?;
                let member = draft.members.get_mut(place).ok_or(ENOENT)?;
                member.weight = wanted.weight.unwrap_or(member.weight);
                weight.set(member.weight);
                Ok(())
            },
            |origin, service| {
                let told = weighing(wanted, Some(weight.get()));
                origin.server(Action::Set, service, &told);
            },
        )
    }

    pub(super) fn delete_server(
        &self,
        service: &[u8],
        wanted: &message::Server,
    ) -> Result<(), Failure> {
        self.change(
            service,
            |draft| {
                let server = draft.server(&wanted.at).ok_or(ENOENT)?.clone();
                if draft.rules.iter().any(|rule| rule.server.ptr_eq(&server)) {
                    return Err(Failure::Told(EBUSY, c"a rule uses the server"));
                }
                let is_other = |member: &mut Member| !member.server.ptr_eq(&server);
                draft.members.keep_only(is_other);
                Ok(())
            },
            |origin, service| origin.server(Action::Delete, service, &weighing(wanted, None)),
        )
    }

    pub(super) fn add_rule(
        &self,
        service: &[u8],
        wanted: &message::Rule<'_>,
    ) -> Result<(), Failure> {
        self.change(
            service,
            |draft| put_rule(draft, wanted),
            |origin, service| origin.rule(Action::New, service, wanted),
        )
    }

    pub(super) fn delete_rule(
        &self,
        service: &[u8],
        wanted: &message::Rule<'_>,
    ) -> Result<(), Failure> {
        self.change(
            service,
            |draft| {
                let server = draft.server(&wanted.server).ok_or(ENOENT)?.clone();
                let before = draft.rules.len();
                let is_other = |rule: &mut Rule| !is_rule(rule, wanted, &server);
                draft.rules.keep_only(is_other);
                match draft.rules.len() == before {
                    true => Err(Failure::Told(ENOENT, c"No such rule")),
                    false => Ok(()),
                }
            },
            |origin, service| origin.rule(Action::Delete, service, wanted),
        )
    }

    /// Deletes all services.
    pub(super) fn flush(&self) {
        self.ktcpvs.flush(|| self.origin.everything(Action::Flush));
    }

    /// Starts one service, or all that do not run.
    pub(super) fn start(&self, name: Option<&[u8]>) -> Result<(), Failure> {
        let services = self.ktcpvs.config.lock();
        check_loaded(self.ktcpvs)?;
        if let Some(name) = name {
            return Ok(self.start_one(&services.find(name)?)?);
        }
        let mut outcome = Ok(());
        for service in &services.services {
            if !service.is_running() {
                let started = self.start_one(service);
                outcome = outcome.and(started);
            }
        }
        Ok(outcome?)
    }

    fn start_one(&self, service: &Arc<Service>) -> Result {
        Service::start(service, self.origin.net)?;
        self.origin.named(Action::Start, service);
        Ok(())
    }

    /// Stops one service, or all.
    pub(super) fn stop(&self, name: Option<&[u8]>) -> Result<(), Failure> {
        let services = self.ktcpvs.config.lock();
        match name {
            Some(name) => self.stop_one(&*services.find(name)?),
            None => services
                .services
                .iter()
                .for_each(|service| self.stop_one(service)),
        }
        Ok(())
    }

    fn stop_one(&self, service: &Service) {
        let was_running = service.is_running();
        service.stop();
        if was_running {
            self.origin.named(Action::Stop, service);
        }
    }
}

/// A server with its weight, as listeners are told of it.
fn weighing(wanted: &message::Server, weight: Option<u16>) -> message::Server {
    message::Server {
        at: wanted.at,
        weight,
    }
}
