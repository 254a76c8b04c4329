// SPDX-License-Identifier: GPL-2.0

//! Configuration files: read wholly, then given to the kernel as one message.

use ipvs_core::config::reply::{AttributeSink, Full};
use ipvs_netlink::generic::Attributes;
use ktcpvs_core::config::{Fault, Flag, Item, Number as Keyword, Parser, Place};
use ktcpvs_core::message::{Number, Rule, Server, Service};
use ktcpvs_core::uapi::{service, service_flags, top};

use crate::failure::Failure;
use crate::names;

/// The port that a service listens on of which none is said.
pub const PORT: u16 = 8080;

/// A service of a file.
struct Begun<'a> {
    service: Service<'a>,
    servers: Vec<(usize, Place<'a>, u16)>,
    rules: Vec<(usize, Vec<u8>, u8, Place<'a>)>,
}

/// The message that a file stands for. `name` is that of the file.
///
/// # Errors
///
/// The first mistake, with its line.
pub fn read(name: &str, text: &[u8]) -> Result<Attributes, Failure> {
    let fault = |line, what: &str| {
        let message =
            format!("Syntax error in the config file {name} (line {line}): parsing {what} error");
        Failure::file(message)
    };
    let mut out = Attributes::default();
    let mut begun: Option<Begun<'_>> = None;
    for item in Parser::new(text) {
        let (line, item) = item.map_err(|Fault { line, what }| fault(line, what))?;
        let Some(service) = &mut begun else {
            if let Item::Begin(name) = item {
                begun = Some(Begun {
                    service: Service::named(name),
                    servers: Vec::new(),
                    rules: Vec::new(),
                });
            }
            continue;
        };
        if matches!(item, Item::End) {
            service
                .write(&mut out)
                .map_err(|(line, what)| fault(line, what))?;
            begun = None;
        } else {
            service.take(line, item).map_err(|what| fault(line, what))?;
        }
    }
    match begun {
        Some(_) => Err(fault(text.split(|byte| *byte == b'\n').count(), "virtual")),
        None => Ok(out),
    }
}

impl<'a> Begun<'a> {
    fn take(&mut self, line: usize, item: Item<'a>) -> Result<(), &'static str> {
        let service = &mut self.service;
        match item {
            Item::Begin(_) | Item::End => {}
            Item::Listen(place) => {
                service.addr = Some(names::host(&place.host).ok_or("listen")?);
                if let Some(port) = &place.port {
                    service.port = Some(names::port(port).ok_or("listen")?);
                }
            }
            Item::Scheduler(name) => service.scheduler = Some(name),
            Item::Redirect(place) => {
                let to = names::endpoint(&place, PORT).ok_or("redirect")?;
                service.redirect = Some((to.family, to.addr, to.port));
            }
            Item::Number(keyword, value) => service.set_number(number(keyword), value),
            Item::Flag(flag, is_on) => set_flag(service, flag_bit(flag), is_on),
            Item::Proxy(is_on) => set_flag(service, service_flags::PROXY_V2, is_on),
            Item::Trusted(family, addr, bits) => service.trusted = Some((family, addr, bits)),
            Item::MaxBody(bytes) => service.max_body = Some(bytes),
            Item::Server(place, weight) => self.servers.push((line, place, weight)),
            Item::Rule {
                pattern,
                group,
                server,
            } => {
                let pattern = pattern.bytes().collect();
                self.rules.push((line, pattern, group, server));
            }
        }
        Ok(())
    }

    /// Writes the service, with its servers and rules.
    fn write(&self, out: &mut Attributes) -> Result<(), (usize, &'static str)> {
        let port = self.service.port.unwrap_or(PORT);
        let mut servers = Vec::new();
        for (line, place, weight) in &self.servers {
            servers.push(Server {
                at: names::endpoint(place, port).ok_or((*line, "server"))?,
                weight: Some(*weight),
            });
        }
        let mut rules = Vec::new();
        for (line, pattern, group, place) in &self.rules {
            let server = names::endpoint(place, port).ok_or((*line, "rule"))?;
            // The kernel would refuse it without a word about where it is.
            if !servers.iter().any(|known| known.at == server) {
                return Err((*line, "rule"));
            }
            rules.push(Rule {
                pattern,
                group: *group,
                server,
            });
        }
        out.nest(top::SERVICE, |out| {
            self.service.write(out)?;
            out.nest(service::SERVERS, |out| {
                (1..)
                    .zip(&servers)
                    .try_for_each(|(place, server): (u16, _)| {
                        out.nest(place, |out| Server::write(server, out))
                    })
            })?;
            out.nest(service::RULES, |out| {
                (1..).zip(&rules).try_for_each(|(place, rule): (u16, _)| {
                    out.nest(place, |out| Rule::write(rule, out))
                })
            })
        })
        .map_err(|Full| (1, "virtual"))
    }
}

const fn number(keyword: Keyword) -> Number {
    match keyword {
        Keyword::StartServers => Number::Start,
        Keyword::MaxClients => Number::MaxClients,
        Keyword::MinSpareServers => Number::MinSpare,
        Keyword::MaxSpareServers => Number::MaxSpare,
        Keyword::Idle => Number::Idle,
    }
}

const fn flag_bit(flag: Flag) -> u32 {
    match flag {
        Flag::Forwarded => service_flags::FORWARDED,
        Flag::Transparent => service_flags::TRANSPARENT,
        Flag::Sni => service_flags::SNI,
    }
}

fn set_flag(service: &mut Service<'_>, bit: u32, is_on: bool) {
    let flags = service.flags.unwrap_or(0);
    service.flags = Some(if is_on { flags | bit } else { flags & !bit });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_as_a_whole() {
        let text = b"virtual web { listen = 10.0.0.1:80 scheduler = http\n server = 10.0.0.2 3 }";
        assert!(read("f", text).is_ok());
        for (text, message) in [
            (
                &b"virtual web {\nlisten = 10.0.0\n}"[..],
                "Syntax error in the config file f (line 2): parsing listen error",
            ),
            (
                b"virtual web {\n",
                "Syntax error in the config file f (line 2): parsing virtual error",
            ),
            (
                b"virtual web { server = 10.0.0.1 1\nrule = pattern \"x\" use server 10.0.0.2 }",
                "Syntax error in the config file f (line 2): parsing rule error",
            ),
            (
                b"virtual web {\n\nserver = 10.0.0.1:nosuchport 1 }",
                "Syntax error in the config file f (line 3): parsing server error",
            ),
        ] {
            let failure = read("f", text).err().unwrap();
            assert_eq!((failure.status, failure.message.as_str()), (1, message));
        }
    }
}
