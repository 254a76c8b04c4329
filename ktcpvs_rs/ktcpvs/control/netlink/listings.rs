// SPDX-License-Identifier: GPL-2.0

//! Lists of services, servers and rules.

use ipvs_core::config::reply::{AttributeSink, Full};
use kernel::prelude::*;
use knet::{
    genetlink::{Dump, Page, Request},
    rcu::Arc,
    vec::VecExt,
};
use ktcpvs_core::{
    http::{answer::Class, Fault},
    message,
    uapi::{command, server, service as kind, service_flags, stats, top},
};

use super::{named, sink::append, Command, Failure};
use crate::{
    netns::Ktcpvs,
    service::{Body, Service},
    stats::Sums,
};

/// Milliseconds of so many ticks.
fn milliseconds(ticks: usize) -> u32 {
    let milliseconds = ticks.saturating_mul(1000).checked_div(knet::time::HZ);
    u32::try_from(milliseconds.unwrap_or(0)).unwrap_or(u32::MAX)
}

fn put_stats(out: &mut impl AttributeSink, kind: u16, sums: &Sums) -> Result<(), Full> {
    out.nest(kind, |out| {
        for (kind, value) in [
            (stats::CONNS, sums.conns),
            (stats::REQUESTS, sums.requests),
            (stats::IN, sums.bytes_in),
            (stats::OUT, sums.bytes_out),
            (stats::RETRIED, sums.retried),
            (stats::S2XX, sums.of(Class::Successful)),
            (stats::S3XX, sums.of(Class::Redirection)),
            (stats::S4XX, sums.of(Class::ClientError)),
            (stats::S5XX, sums.of(Class::ServerError)),
        ] {
            out.put_u64(kind, value, stats::PAD)?;
        }
        out.nest(stats::ERRORS, |out| {
            for (fault, count) in Fault::ALL.into_iter().zip(sums.errors) {
                if count != 0 {
                    out.put(fault.status(), &count.to_ne_bytes())?;
                }
            }
            Ok(())
        })
    })
}

/// Whether a service takes connections, or still has some. May sleep.
pub(in crate::control) fn flags(service: &Service) -> u32 {
    match (service.is_running(), service.relays()) {
        (true, _) => service_flags::RUNNING,
        (false, 0) => 0,
        (false, _) => service_flags::DRAINING,
    }
}

/// The configuration of a service, without servers and rules, and its [`flags`].
pub(in crate::control) fn put_config(
    out: &mut impl AttributeSink,
    service: &Service,
    body: &Body,
    flags: u32,
) -> Result<(), Full> {
    let config = &body.config;
    let redirect = config.redirect.as_ref();
    let told = message::Service {
        name: service.name.as_bytes(),
        addr: Some((config.listen.family, config.listen.addr)),
        port: Some(config.listen.port),
        scheduler: Some(config.scheduler.as_bytes()),
        numbers: config.numbers.map(Some),
        redirect: redirect.map(|to| (to.family, to.addr, to.port)),
        flags: Some(flags),
        trusted: None,
        max_body: Some(config.max_body),
        servers: None,
        rules: None,
    };
    told.write(out)?;
    let states = u32::try_from(body.states()).unwrap_or(u32::MAX);
    out.put_u32(kind::STATES, states)
}

fn put_service(out: &mut impl AttributeSink, service: &Service, body: &Body) -> Result<(), Full> {
    out.nest(top::SERVICE, |out| {
        put_config(out, service, body, flags(service))?;
        put_stats(out, kind::STATS, &service.stats.sums())
    })
}

/// `GET_SERVICE` of one service.
pub(super) struct OneService;

impl Command for OneService {
    fn run(ktcpvs: &Ktcpvs, request: &Request) -> Result<(), Failure> {
        let name = named(request)?.ok_or(message::Error::Missing("a service is missing"))?;
        let service = ktcpvs.config.lock().find(name)?;
        let body = service.body.get().ok_or(ESRCH)?;
        Ok(request.reply(command::NEW_SERVICE, |message| {
            append(message, |out| put_service(out, &service, &body))
        })?)
    }
}

/// What is listed, as it was when the list began, and how far.
pub(super) struct Progress<T> {
    all: Option<T>,
    next: usize,
}

impl<T> Default for Progress<T> {
    fn default() -> Self {
        Self { all: None, next: 0 }
    }
}

impl<T> Progress<T> {
    /// Lists what `begin` finds: `write` writes the element of an index, if there is one.
    fn run(
        &mut self,
        begin: impl FnOnce() -> Result<T>,
        mut write: impl FnMut(&T, usize) -> Option<Result>,
    ) -> Result {
        let all = match &mut self.all {
            Some(all) => all,
            none => none.insert(begin()?),
        };
        while let Some(written) = write(all, self.next) {
            written?;
            self.next = self.next.saturating_add(1);
        }
        Ok(())
    }
}

/// `GET_SERVICE` of all services.
pub(super) struct Services;

impl Dump for Services {
    type Cursor = Progress<KVec<Arc<Service>>>;

    fn run(request: &Request, page: &mut Page<'_>, progress: &mut Self::Cursor) -> Result {
        let begin = || {
            let ktcpvs = super::ktcpvs(request)?;
            let config = ktcpvs.config.lock();
            let mut all = KVec::new();
            for service in &config.services {
                all.append(service.clone())?;
            }
            Ok(all)
        };
        progress.run(begin, |all, index| {
            let service = all.get(index)?;
            // It may have been deleted.
            let Some(body) = service.body.get() else {
                return Some(Ok(()));
            };
            let written = page.entry(command::NEW_SERVICE, |message| {
                append(message, |out| put_service(out, service, &body))
            });
            Some(written.map_err(Error::from))
        })
    }
}

/// The body of the service that a request names.
fn body(request: &Request) -> Result<Arc<Body>> {
    let ktcpvs = super::ktcpvs(request)?;
    let name = named(request).map_err(|failure| failure.tell(request))?;
    let service = ktcpvs.config.lock().find(name.ok_or(EINVAL)?)?;
    service.body.get().ok_or(ESRCH)
}

/// `GET_SERVER`.
pub(super) struct Servers;

impl Dump for Servers {
    type Cursor = Progress<Arc<Body>>;

    fn run(request: &Request, page: &mut Page<'_>, progress: &mut Self::Cursor) -> Result {
        progress.run(
            || body(request),
            |body, index| {
                let member = body.members.get(index)?;
                let shown = &member.server;
                let told = message::Server {
                    at: *shown.at(),
                    weight: Some(member.weight),
                };
                let written = page.entry(command::NEW_SERVER, |message| {
                    append(message, |out| {
                        out.nest(top::SERVER, |out| {
                            told.write(out)?;
                            out.put_u32(server::CONNS, shown.relays())?;
                            out.put_u32(server::POOLED, 0)?;
                            out.put_u32(server::DOWN, milliseconds(shown.down()))?;
                            put_stats(out, server::STATS, &shown.stats.sums())
                        })
                    })
                });
                Some(written.map_err(Error::from))
            },
        )
    }
}

/// `GET_RULE`.
pub(super) struct Rules;

impl Dump for Rules {
    type Cursor = Progress<Arc<Body>>;

    fn run(request: &Request, page: &mut Page<'_>, progress: &mut Self::Cursor) -> Result {
        progress.run(
            || body(request),
            |body, index| {
                let rule = body.rules.get(index)?;
                let told = message::Rule {
                    pattern: rule.pattern.as_slice(),
                    group: rule.group,
                    server: *rule.server.at(),
                };
                let written = page.entry(command::NEW_RULE, |message| {
                    append(message, |out| out.nest(top::RULE, |out| told.write(out)))
                });
                Some(written.map_err(Error::from))
            },
        )
    }
}
