// SPDX-License-Identifier: GPL-2.0

//! Lists: a configuration file, or JSON.

use ipvs_netlink::Error;
use ktcpvs_core::config::{Item, Number as Keyword, Place, Text};
use ktcpvs_core::message::{Endpoint, Number, Service};
use ktcpvs_core::rules;
use ktcpvs_core::uapi::service_flags;
use serde_json::{json, Value};

use crate::channel::{ServiceAnswer, Stats};
use crate::names::Shown;

/// What a service has of which nothing is said.
const IDLE: u16 = 64;

/// How a list is shown.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// With numbers in place of names.
    pub numeric: bool,
    /// With counters, as comments.
    pub stats: bool,
}

/// The services as a configuration file, which can be loaded again.
///
/// # Errors
///
/// If the kernel has sent something that cannot be read.
pub fn text(services: &[ServiceAnswer], style: Style) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    for answer in services {
        write_service(&mut out, answer, style)?;
    }
    Ok(out)
}

fn write_service(out: &mut Vec<u8>, answer: &ServiceAnswer, style: Style) -> Result<(), Error> {
    let service = answer.service()?;
    put(out, &Item::Begin(service.name));
    if style.stats {
        let state = state(&service);
        comment(
            out,
            &format!("{state}, {} states", answer.states),
            &answer.stats,
        );
    }
    if let Some(at) = listens_at(&service) {
        let shown = Shown::new(at, style.numeric);
        put(out, &Item::Listen(shown.place()));
    }
    if let Some(name) = service.scheduler {
        put(out, &Item::Scheduler(name));
    }
    for (keyword, number) in [
        (Keyword::StartServers, Number::Start),
        (Keyword::MaxClients, Number::MaxClients),
        (Keyword::MinSpareServers, Number::MinSpare),
        (Keyword::MaxSpareServers, Number::MaxSpare),
    ] {
        if let Some(value) = service.number(number) {
            put(out, &Item::Number(keyword, value));
        }
    }
    if let Some((family, addr, port)) = service.redirect {
        let shown = Shown::new(Endpoint { family, addr, port }, style.numeric);
        put(out, &Item::Redirect(shown.place()));
    }
    if let Some(idle) = service.number(Number::Idle).filter(|idle| *idle != IDLE) {
        put(out, &Item::Number(Keyword::Idle, idle));
    }
    if let Some(bytes) = service.max_body.filter(|bytes| *bytes != u64::MAX) {
        put(out, &Item::MaxBody(bytes));
    }
    for found in &answer.servers {
        let shown = Shown::new(found.server.at, style.numeric);
        let place: Place<'_> = shown.place();
        put(out, &Item::Server(place, found.server.weight.unwrap_or(0)));
        if style.stats {
            let state = match found.down {
                0 => "up".to_owned(),
                milliseconds => format!("down for {milliseconds} ms"),
            };
            comment(
                out,
                &format!("{state}, {} relays", found.conns),
                &found.stats,
            );
        }
    }
    for index in order(answer) {
        let Some(rule) = answer.rules.get(usize::from(index)) else {
            continue;
        };
        let shown = Shown::new(rule.server, style.numeric);
        let item = Item::Rule {
            pattern: Text::plain(&rule.pattern),
            group: rule.group,
            server: shown.place(),
        };
        put(out, &item);
    }
    put(out, &Item::End);
    Ok(())
}

/// The rules in the order in which they are tried.
fn order(answer: &ServiceAnswer) -> Vec<u16> {
    let mut order = vec![0; answer.rules.len()];
    let pattern = |at: u16| {
        let rule = answer.rules.get(usize::from(at));
        rule.map_or(&[][..], |rule| rule.pattern.as_slice())
    };
    rules::arrange(pattern, &mut order);
    order
}

fn put(out: &mut Vec<u8>, item: &Item<'_>) {
    item.write(&mut |piece| out.extend_from_slice(piece));
}

fn listens_at(service: &Service<'_>) -> Option<Endpoint> {
    let ((family, addr), port) = (service.addr?, service.port?);
    Some(Endpoint { family, addr, port })
}

fn state(service: &Service<'_>) -> &'static str {
    match service.flags.unwrap_or(0) {
        flags if flags & service_flags::RUNNING != 0 => "running",
        flags if flags & service_flags::DRAINING != 0 => "draining",
        _ => "stopped",
    }
}

fn comment(out: &mut Vec<u8>, what: &str, stats: &Stats) {
    let [conns, requests, bytes_in, bytes_out, retried, classes @ ..] = stats.sums;
    let mut line = format!(
        "    # {what}, {conns} connections, {requests} requests, {retried} tried again, \
         {bytes_in} bytes in, {bytes_out} out"
    );
    for (digit, count) in (2..).zip(classes).filter(|(_, count)| *count != 0) {
        line += &format!(", {count} times {digit}xx");
    }
    for (status, count) in &stats.errors {
        line += &format!(", {count} times {status}");
    }
    line.push('\n');
    out.extend_from_slice(line.as_bytes());
}

/// The services as JSON: an array.
///
/// # Errors
///
/// If the kernel has sent something that cannot be read.
pub fn json(services: &[ServiceAnswer], numeric: bool) -> Result<Vec<u8>, Error> {
    let mut all = Vec::new();
    for answer in services {
        all.push(json_service(answer, numeric)?);
    }
    let mut text = Value::from(all).to_string().into_bytes();
    text.push(b'\n');
    Ok(text)
}

fn json_service(answer: &ServiceAnswer, numeric: bool) -> Result<Value, Error> {
    let service = answer.service()?;
    let servers = answer.servers.iter().map(|found| {
        json!({
            "address": address(found.server.at, numeric),
            "weight": found.server.weight,
            "relays": found.conns,
            "down_ms": found.down,
            "stats": json_stats(&found.stats),
        })
    });
    let rules = order(answer).into_iter().filter_map(|index| {
        let rule = answer.rules.get(usize::from(index))?;
        Some(json!({
            "pattern": String::from_utf8_lossy(&rule.pattern),
            "match": rule.group,
            "server": address(rule.server, numeric),
        }))
    });
    Ok(json!({
        "name": String::from_utf8_lossy(service.name),
        "state": state(&service),
        "listen": listens_at(&service).map(|at| address(at, numeric)),
        "scheduler": String::from_utf8_lossy(service.scheduler.unwrap_or_default()),
        "maxclients": service.number(Number::MaxClients),
        "redirect": service.redirect.map(|(family, addr, port)| address(Endpoint { family, addr, port }, numeric)),
        "states": answer.states,
        "stats": json_stats(&answer.stats),
        "servers": servers.collect::<Vec<_>>(),
        "rules": rules.collect::<Vec<_>>(),
    }))
}

fn json_stats(stats: &Stats) -> Value {
    let [conns, requests, bytes_in, bytes_out, retried, classes @ ..] = stats.sums;
    let answers = (2..).zip(classes);
    let answers = answers.map(|(digit, count)| (format!("{digit}xx"), json!(count)));
    let errors = stats
        .errors
        .iter()
        .map(|(status, count)| (status.to_string(), json!(count)));
    json!({
        "connections": conns,
        "requests": requests,
        "bytes_in": bytes_in,
        "bytes_out": bytes_out,
        "retried": retried,
        "answers": answers.collect::<serde_json::Map<_, _>>(),
        "errors": errors.collect::<serde_json::Map<_, _>>(),
    })
}

/// An endpoint as the file has it.
pub fn address(at: Endpoint, numeric: bool) -> String {
    let shown = Shown::new(at, numeric);
    let mut line = Vec::new();
    put(&mut line, &Item::Listen(shown.place()));
    let line = String::from_utf8_lossy(&line).into_owned();
    line.trim().trim_start_matches("listen = ").to_owned()
}
