// SPDX-License-Identifier: GPL-2.0

//! Changes as they are made: each as the command that makes it.

use std::io::Write;

use ipvs_core::nla::{Iter, NESTED};
use ipvs_netlink::generic::Listener;
use ipvs_netlink::Error;
use ktcpvs_core::message::{Action, Endpoint, Rule, Server, Service};
use ktcpvs_core::uapi::{self, command, top};
use serde_json::{json, Value};

use crate::cli::{Flag, Typed};
use crate::failure::{refused, About, Failure};
use crate::listing::address;

const MALFORMED: Error = Error::Malformed("an event that cannot be read");
/// Whoever reads too slowly is told this.
const LOST: &str = "# changes were lost: list everything anew";

/// What was changed, and by whom.
#[derive(Clone, Copy, Debug)]
struct Event<'a> {
    action: Action,
    port: u32,
    service: Option<Service<'a>>,
    server: Option<Server>,
    rule: Option<Rule<'a>>,
}

impl<'a> Event<'a> {
    fn read(attributes: &'a [u8]) -> Option<Self> {
        let find = |wanted: u16| {
            let mut all = Iter::new(attributes);
            all.find_map(|(kind, payload)| (kind & !NESTED == wanted).then_some(payload))
        };
        let port = find(top::PORTID).and_then(<[u8]>::first_chunk);
        Some(Self {
            action: Action::of(*find(top::ACTION)?.first()?)?,
            port: port.map_or(0, |bytes| u32::from_ne_bytes(*bytes)),
            service: find(top::SERVICE).map(Service::read).transpose().ok()?,
            server: find(top::SERVER).map(Server::read).transpose().ok()?,
            rule: find(top::RULE).map(Rule::read).transpose().ok()?,
        })
    }

    /// The command that does the same, as far as a command can.
    fn command(&self, numeric: bool) -> String {
        let name = self.service.map(|service| service.name);
        let ident = format!("-i {}", String::from_utf8_lossy(name.unwrap_or_default()));
        match (self.action, self.server, self.rule) {
            (Action::Flush, ..) => "-F".to_owned(),
            (Action::Apply, ..) => "# everything was replaced: list it anew".to_owned(),
            (Action::Start, ..) => format!("--start {ident}"),
            (Action::Stop, ..) => format!("--stop {ident}"),
            (action, Some(server), _) => {
                let place = address(server.at, numeric);
                let weight = server.weight.map(|weight| format!(" -w {weight}"));
                let letter = letter(action, ['a', 'e', 'd']);
                format!("-{letter} {ident} -r {place}{}", weight.unwrap_or_default())
            }
            (action, _, Some(rule)) => {
                let verb = match action {
                    Action::Delete => "--del-rule",
                    _ => "--add-rule",
                };
                let pattern = quoted(&String::from_utf8_lossy(rule.pattern));
                let group = match rule.group {
                    0 => String::new(),
                    group => format!(" -m {group}"),
                };
                let place = address(rule.server, numeric);
                format!("{verb} {ident} -p {pattern} -r {place}{group}")
            }
            (action, None, None) => {
                let letter = letter(action, ['A', 'E', 'D']);
                let rest = self.service.map(|service| settings(&service, numeric));
                format!("-{letter} {ident}{}", rest.unwrap_or_default())
            }
        }
    }

    fn json(&self, numeric: bool) -> Value {
        let service = self.service.map(|service| {
            json!({
                "name": String::from_utf8_lossy(service.name),
                "listen": listens_at(&service).map(|at| address(at, numeric)),
                "scheduler": service.scheduler.map(String::from_utf8_lossy),
            })
        });
        let server = self.server.map(
            |server| json!({ "address": address(server.at, numeric), "weight": server.weight }),
        );
        let rule = self.rule.map(|rule| {
            json!({
                "pattern": String::from_utf8_lossy(rule.pattern),
                "match": rule.group,
                "server": address(rule.server, numeric),
            })
        });
        json!({
            "action": word(self.action),
            "port": self.port,
            "service": service,
            "server": server,
            "rule": rule,
        })
    }
}

/// The letter of a command: to add, to change, to delete.
const fn letter(action: Action, [add, change, delete]: [char; 3]) -> char {
    match action {
        Action::Set => change,
        Action::Delete => delete,
        _ => add,
    }
}

const fn word(action: Action) -> &'static str {
    match action {
        Action::New => "new",
        Action::Set => "set",
        Action::Delete => "delete",
        Action::Flush => "flush",
        Action::Start => "start",
        Action::Stop => "stop",
        Action::Apply => "apply",
    }
}

fn listens_at(service: &Service<'_>) -> Option<Endpoint> {
    let ((family, addr), port) = (service.addr?, service.port?);
    Some(Endpoint { family, addr, port })
}

fn settings(service: &Service<'_>, numeric: bool) -> String {
    let scheduler = service.scheduler.map(String::from_utf8_lossy);
    let scheduler = scheduler.map(|name| format!(" -s {name}"));
    let place = listens_at(service).map(|at| format!(" -l {}", address(at, numeric)));
    scheduler.unwrap_or_default() + &place.unwrap_or_default()
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// Prints changes until the socket fails, or nobody reads any more.
///
/// # Errors
///
/// If there is no module, or the socket fails.
pub fn run(typed: &Typed) -> Result<Vec<u8>, Failure> {
    let failed = |error| refused(error, About::Other);
    let numeric = typed.has(Flag::Numeric);
    let mut listener = Listener::join(uapi::FAMILY_NAME, uapi::GROUP).map_err(failed)?;
    let mut out = std::io::stdout().lock();
    loop {
        let mut lines = Vec::new();
        let heard = listener.hear(|what, attributes| {
            if what != command::EVENT {
                return Ok(());
            }
            let event = Event::read(attributes).ok_or(MALFORMED)?;
            lines.push(match typed.has(Flag::Json) {
                true => event.json(numeric).to_string(),
                false => event.command(numeric),
            });
            Ok(())
        });
        if !heard.map_err(failed)? {
            lines.push(match typed.has(Flag::Json) {
                true => json!({ "action": "lost" }).to_string(),
                false => LOST.to_owned(),
            });
        }
        for line in lines {
            if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
                // Whoever closes the pipe has read enough.
                return Ok(Vec::new());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ipvs_core::addr::{Addr, Family};
    use ipvs_core::config::reply::AttributeSink;
    use ipvs_netlink::generic::Attributes;

    fn text(
        action: Action,
        service: Option<Service<'_>>,
        server: Option<Server>,
        rule: Option<Rule<'_>>,
    ) -> String {
        let mut out = Attributes::default();
        action.write(&mut out, 7).unwrap();
        if let Some(service) = service {
            out.nest(top::SERVICE, |out| service.write(out)).unwrap();
        }
        if let Some(server) = server {
            out.nest(top::SERVER, |out| server.write(out)).unwrap();
        }
        if let Some(rule) = rule {
            out.nest(top::RULE, |out| rule.write(out)).unwrap();
        }
        let event = Event::read(out.as_ref()).unwrap();
        assert_eq!(event.port, 7);
        assert_eq!(event.json(true)["action"], word(action));
        event.command(true)
    }

    #[test]
    fn changes_are_commands() {
        let at = Endpoint {
            family: Family::V4,
            addr: Addr::from_v4([10, 0, 0, 1]),
            port: 80,
        };
        let named = Some(Service::named(b"web"));
        let whole = Some(Service {
            addr: Some((at.family, at.addr)),
            port: Some(at.port),
            scheduler: Some(b"http"),
            ..Service::named(b"web")
        });
        let server = |weight| Some(Server { at, weight });
        let rule = |pattern, group| {
            Some(Rule {
                pattern,
                group,
                server: at,
            })
        };
        let r = "-i web -r 10.0.0.1:80";
        for (action, service, server, rule, expected) in [
            (
                Action::New,
                whole,
                None,
                None,
                "-A -i web -s http -l 10.0.0.1:80".to_owned(),
            ),
            (
                Action::Set,
                whole,
                None,
                None,
                "-E -i web -s http -l 10.0.0.1:80".to_owned(),
            ),
            (Action::Delete, named, None, None, "-D -i web".to_owned()),
            (
                Action::New,
                named,
                server(Some(3)),
                None,
                format!("-a {r} -w 3"),
            ),
            (
                Action::Set,
                named,
                server(Some(0)),
                None,
                format!("-e {r} -w 0"),
            ),
            (Action::Delete, named, server(None), None, format!("-d {r}")),
            (
                Action::New,
                named,
                None,
                rule(&b"it's"[..], 0),
                "--add-rule -i web -p 'it'\\''s' -r 10.0.0.1:80".to_owned(),
            ),
            (
                Action::Delete,
                named,
                None,
                rule(&b".*"[..], 2),
                "--del-rule -i web -p '.*' -r 10.0.0.1:80 -m 2".to_owned(),
            ),
            (Action::Flush, None, None, None, "-F".to_owned()),
            (
                Action::Start,
                named,
                None,
                None,
                "--start -i web".to_owned(),
            ),
            (Action::Stop, named, None, None, "--stop -i web".to_owned()),
        ] {
            assert_eq!(text(action, service, server, rule), expected);
        }
        assert!(text(Action::Apply, None, None, None).starts_with('#'));
        assert!(Event::read(&[]).is_none());
    }
}
