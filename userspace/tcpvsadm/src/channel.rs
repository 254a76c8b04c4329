// SPDX-License-Identifier: GPL-2.0

//! The conversation with the kernel.

use ipvs_core::config::reply::{AttributeSink, Full};
use ipvs_core::nla::{Iter, NESTED};
use ipvs_netlink::generic::{Attributes, Socket};
use ipvs_netlink::Error;
use ktcpvs_core::message::{Relay, RelayFilter, Rule, Server, Service};
use ktcpvs_core::uapi::{self, command, server, service, stats, top};

use crate::failure::{refused, About, Failure};
use crate::relays::RelayAnswer;

/// What was counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Connections, requests, bytes in, bytes out, requests that were tried again; answers of servers by the first digit of their
    /// status, 2 to 5.
    pub sums: [u64; 9],
    /// Answers of the switch itself, by status.
    pub errors: Vec<(u16, u64)>,
}

/// A server.
#[derive(Clone, Debug)]
pub struct ServerAnswer {
    /// What it is configured to.
    pub server: Server,
    /// Its relays.
    pub conns: u32,
    /// So many milliseconds it is passed over.
    pub down: u32,
    /// What was counted.
    pub stats: Stats,
}

/// A rule.
#[derive(Clone, Debug)]
pub struct RuleAnswer {
    /// The pattern.
    pub pattern: Vec<u8>,
    /// The group.
    pub group: u8,
    /// The server.
    pub server: ktcpvs_core::message::Endpoint,
}

/// A service. The attributes are kept, as names in a [`Service`] are borrowed.
#[derive(Clone, Debug)]
pub struct ServiceAnswer {
    nest: Vec<u8>,
    /// The states of the automaton of its rules.
    pub states: u32,
    /// What was counted.
    pub stats: Stats,
    /// Its servers.
    pub servers: Vec<ServerAnswer>,
    /// Its rules, in the order in which they were added.
    pub rules: Vec<RuleAnswer>,
}

const MALFORMED: Error = Error::Malformed("a service that cannot be read");

impl ServiceAnswer {
    /// What it is configured to.
    ///
    /// # Errors
    ///
    /// If the kernel has sent something else.
    pub fn service(&self) -> Result<Service<'_>, Error> {
        Service::read(&self.nest).map_err(|_| MALFORMED)
    }
}

/// A socket.
pub struct Kernel(Socket);

/// A message about a service, and perhaps something of it.
fn message(
    service: Option<&Service<'_>>,
    rest: impl FnOnce(&mut Attributes) -> Result<(), Full>,
) -> Result<Attributes, Error> {
    let mut out = Attributes::default();
    let write = || {
        if let Some(service) = service {
            out.nest(top::SERVICE, |out| service.write(out))?;
        }
        rest(&mut out)
    };
    write().map_err(|Full| Error::Malformed("no room for such a request"))?;
    Ok(out)
}

fn find(bytes: &[u8], wanted: u16) -> Option<&[u8]> {
    Iter::new(bytes).find_map(|(kind, payload)| (kind & !NESTED == wanted).then_some(payload))
}

fn number(bytes: &[u8], wanted: u16) -> u32 {
    let found = find(bytes, wanted).and_then(|payload| payload.first_chunk());
    found.map_or(0, |bytes| u32::from_ne_bytes(*bytes))
}

fn large(payload: Option<&[u8]>) -> u64 {
    let found = payload.and_then(|payload| payload.first_chunk());
    found.map_or(0, |bytes| u64::from_ne_bytes(*bytes))
}

fn stats(nest: &[u8]) -> Stats {
    let kinds = [
        stats::CONNS,
        stats::REQUESTS,
        stats::IN,
        stats::OUT,
        stats::RETRIED,
        stats::S2XX,
        stats::S3XX,
        stats::S4XX,
        stats::S5XX,
    ];
    let errors = find(nest, stats::ERRORS).unwrap_or_default();
    Stats {
        sums: kinds.map(|kind| large(find(nest, kind))),
        errors: Iter::new(errors)
            .map(|(status, count)| (status, large(Some(count))))
            .collect(),
    }
}

impl Kernel {
    /// Opens a socket, for which the kernel loads the module if it can.
    ///
    /// # Errors
    ///
    /// That there is no module.
    pub fn connect() -> Result<Self, Failure> {
        let socket = Socket::connect(uapi::FAMILY_NAME, uapi::FAMILY_VERSION);
        socket
            .map(Self)
            .map_err(|error| refused(error, About::Other))
    }

    fn change(
        &mut self,
        command: u8,
        about: About,
        attributes: Result<Attributes, Error>,
    ) -> Result<(), Failure> {
        let done = attributes.and_then(|it| self.0.execute(command, it, |_| Ok(())));
        done.map_err(|error| refused(error, about))
    }

    /// A command about a service.
    ///
    /// # Errors
    ///
    /// What the kernel says, as in all functions here.
    pub fn change_service(&mut self, command: u8, service: &Service<'_>) -> Result<(), Failure> {
        self.change(command, About::Service, message(Some(service), |_| Ok(())))
    }

    /// A command about all services.
    ///
    /// # Errors
    ///
    /// As above.
    pub fn change_all(&mut self, command: u8) -> Result<(), Failure> {
        self.change(command, About::Service, message(None, |_| Ok(())))
    }

    /// A command about a server of a service.
    ///
    /// # Errors
    ///
    /// As above.
    pub fn change_server(
        &mut self,
        command: u8,
        name: &[u8],
        server: &Server,
    ) -> Result<(), Failure> {
        let attributes = message(Some(&Service::named(name)), |out| {
            out.nest(top::SERVER, |out| server.write(out))
        });
        self.change(command, About::Server, attributes)
    }

    /// A command about a rule of a service.
    ///
    /// # Errors
    ///
    /// As above.
    pub fn change_rule(
        &mut self,
        command: u8,
        name: &[u8],
        rule: &Rule<'_>,
    ) -> Result<(), Failure> {
        let attributes = message(Some(&Service::named(name)), |out| {
            out.nest(top::RULE, |out| rule.write(out))
        });
        self.change(command, About::Rule, attributes)
    }

    /// Replaces everything by what `attributes` say: services, each a nest.
    ///
    /// # Errors
    ///
    /// As above; nothing was changed then.
    pub fn apply(&mut self, attributes: Attributes) -> Result<(), Failure> {
        self.change(command::APPLY, About::Other, Ok(attributes))
    }

    /// One service, without servers and rules.
    ///
    /// # Errors
    ///
    /// As above.
    pub fn service(&mut self, name: &[u8]) -> Result<ServiceAnswer, Failure> {
        let mut found = None;
        message(Some(&Service::named(name)), |_| Ok(()))
            .and_then(|attributes| {
                self.0.execute(command::GET_SERVICE, attributes, |answer| {
                    found = Some(read_service(answer)?);
                    Ok(())
                })
            })
            .map_err(|error| refused(error, About::Service))?;
        found.ok_or_else(|| refused(MALFORMED, About::Service))
    }

    /// All services with their servers and rules, or one.
    ///
    /// # Errors
    ///
    /// As above.
    pub fn services(&mut self, name: Option<&[u8]>) -> Result<Vec<ServiceAnswer>, Failure> {
        let mut all = Vec::new();
        match name {
            Some(name) => all.push(self.service(name)?),
            None => self.list(command::GET_SERVICE, None, |answer| {
                all.push(read_service(answer)?);
                Ok(())
            })?,
        }
        for found in &mut all {
            let name = found.service().map(|service| service.name.to_vec());
            let name = name.map_err(|error| refused(error, About::Service))?;
            let (mut servers, mut rules) = (Vec::new(), Vec::new());
            self.list(command::GET_SERVER, Some(&name), |answer| {
                servers.push(read_server(answer)?);
                Ok(())
            })?;
            self.list(command::GET_RULE, Some(&name), |answer| {
                rules.push(read_rule(answer)?);
                Ok(())
            })?;
            (found.servers, found.rules) = (servers, rules);
        }
        Ok(all)
    }

    /// The relays that a filter means, of one service or of all.
    ///
    /// # Errors
    ///
    /// As above.
    pub fn relays(
        &mut self,
        name: Option<&[u8]>,
        filter: &RelayFilter,
    ) -> Result<Vec<RelayAnswer>, Failure> {
        let mut all = Vec::new();
        meant(name, filter, false)
            .and_then(|attributes| {
                self.0.list(command::GET_RELAY, attributes, |answer| {
                    let service = find(answer, top::SERVICE).map(Service::read);
                    let relay = find(answer, top::RELAY).map(Relay::read);
                    let (Some(Ok(service)), Some(Ok(relay))) = (service, relay) else {
                        return Err(Error::Malformed("a relay that cannot be read"));
                    };
                    all.push(RelayAnswer::new(service.name, &relay));
                    Ok(())
                })
            })
            .map_err(|error| refused(error, About::Service))?;
        Ok(all)
    }

    /// Ends the relays that a filter means; their number.
    ///
    /// # Errors
    ///
    /// As above.
    pub fn end_relays(
        &mut self,
        name: Option<&[u8]>,
        filter: &RelayFilter,
    ) -> Result<u32, Failure> {
        let mut count = 0;
        meant(name, filter, true)
            .and_then(|attributes| {
                self.0.execute(command::DEL_RELAY, attributes, |answer| {
                    count = number(answer, top::COUNT);
                    Ok(())
                })
            })
            .map_err(|error| refused(error, About::Service))?;
        Ok(count)
    }

    fn list(
        &mut self,
        command: u8,
        name: Option<&[u8]>,
        each: impl FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Failure> {
        let service = name.map(Service::named);
        message(service.as_ref(), |_| Ok(()))
            .and_then(|attributes| self.0.list(command, attributes, each))
            .map_err(|error| refused(error, About::Service))
    }
}

/// A message about relays. `says_all` makes it say that all are meant, if nothing else is said.
fn meant(name: Option<&[u8]>, filter: &RelayFilter, says_all: bool) -> Result<Attributes, Error> {
    let service = name.map(Service::named);
    message(service.as_ref(), |out| {
        if !filter.is_all() {
            out.nest(top::RELAY, |out| filter.write(out))?;
        }
        match says_all && filter.is_all() && service.is_none() {
            true => out.put_u32(top::FLAGS, uapi::ALL),
            false => Ok(()),
        }
    })
}

fn read_service(answer: &[u8]) -> Result<ServiceAnswer, Error> {
    let nest = find(answer, top::SERVICE).ok_or(MALFORMED)?;
    let found = ServiceAnswer {
        nest: nest.to_vec(),
        states: number(nest, service::STATES),
        stats: stats(find(nest, service::STATS).unwrap_or_default()),
        servers: Vec::new(),
        rules: Vec::new(),
    };
    found.service()?;
    Ok(found)
}

fn read_server(answer: &[u8]) -> Result<ServerAnswer, Error> {
    let nest = find(answer, top::SERVER).ok_or(MALFORMED)?;
    Ok(ServerAnswer {
        server: Server::read(nest).map_err(|_| MALFORMED)?,
        conns: number(nest, server::CONNS),
        down: number(nest, server::DOWN),
        stats: stats(find(nest, server::STATS).unwrap_or_default()),
    })
}

fn read_rule(answer: &[u8]) -> Result<RuleAnswer, Error> {
    let nest = find(answer, top::RULE).ok_or(MALFORMED)?;
    let rule = Rule::read(nest).map_err(|_| MALFORMED)?;
    Ok(RuleAnswer {
        pattern: rule.pattern.to_vec(),
        group: rule.group,
        server: rule.server,
    })
}
