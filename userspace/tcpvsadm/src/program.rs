// SPDX-License-Identifier: GPL-2.0

//! The program.

use std::io::{Read, Write};
use std::process::ExitCode;

use ktcpvs_core::config::Place;
use ktcpvs_core::message::{Endpoint, Rule, Server, Service};
use ktcpvs_core::uapi::command;

use crate::channel::Kernel;
use crate::cli::{self, Flag, Typed, Verb};
use crate::configuration::{self, PORT};
use crate::failure::{refused, About, Failure};
use crate::listing::{self, Style};
use crate::{monitor, names, relays};

/// What `-h` prints.
pub(crate) const USAGE: &str = include_str!("usage.txt");
/// The first line of a list.
const VERSION: &[u8] = b"TCP Virtual Server version 1.0.0\n";

/// Does what was typed.
pub fn run() -> ExitCode {
    let words: Vec<_> = std::env::args_os()
        .skip(1)
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let outcome = cli::parse(&words).and_then(|(verb, typed)| obey(verb, &typed));
    match outcome {
        Ok(text) => {
            // Whoever closes the pipe has read enough.
            let _ = std::io::stdout().write_all(&text);
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("{}", failure.message);
            ExitCode::from(failure.status)
        }
    }
}

/// Does what was typed; the text for standard output.
fn obey(verb: Verb, typed: &Typed) -> Result<Vec<u8>, Failure> {
    if verb == Verb::Help {
        return Ok(USAGE.as_bytes().to_vec());
    }
    if verb == Verb::Load {
        return load(typed);
    }
    if verb == Verb::Monitor {
        return monitor::run(typed);
    }
    // What can be said without a kernel comes first.
    let service = service(typed)?;
    let mut kernel = Kernel::connect()?;
    match verb {
        Verb::AddService => kernel.change_service(command::NEW_SERVICE, &service)?,
        Verb::EditService => kernel.change_service(command::SET_SERVICE, &service)?,
        Verb::DeleteService => {
            kernel.change_service(command::DEL_SERVICE, &Service::named(typed.name()))?;
        }
        Verb::Flush => kernel.change_all(command::FLUSH)?,
        Verb::AddServer => change_server(&mut kernel, command::NEW_SERVER, typed)?,
        Verb::EditServer => change_server(&mut kernel, command::SET_SERVER, typed)?,
        Verb::DeleteServer => change_server(&mut kernel, command::DEL_SERVER, typed)?,
        Verb::AddRule => change_rule(&mut kernel, command::NEW_RULE, typed)?,
        Verb::DeleteRule => change_rule(&mut kernel, command::DEL_RULE, typed)?,
        Verb::Start => switch(&mut kernel, command::START, typed)?,
        Verb::Stop => switch(&mut kernel, command::STOP, typed)?,
        Verb::List => return list(&mut kernel, typed),
        Verb::EndRelays => return end_relays(&mut kernel, typed),
        Verb::Load | Verb::Monitor | Verb::Help => {}
    }
    Ok(Vec::new())
}

fn switch(kernel: &mut Kernel, command: u8, typed: &Typed) -> Result<(), Failure> {
    match &typed.ident {
        Some(name) => kernel.change_service(command, &Service::named(name.as_bytes())),
        None => kernel.change_all(command),
    }
}

/// The service that was typed, with what was said of it.
fn service(typed: &Typed) -> Result<Service<'_>, Failure> {
    let mut service = Service::named(typed.name());
    service.scheduler = typed.scheduler.as_deref().map(str::as_bytes);
    for said in &typed.listen {
        if let Some(port) = said.strip_prefix(':') {
            // Any host does, as only the port is looked at.
            let place = format!("0.0.0.0:{port}");
            let place = Place::parse(place.as_bytes());
            let port = place.and_then(|place| names::port(place.port.as_ref()?));
            let illegal = || Failure::usage("illegal server port specified");
            service.port = Some(port.ok_or_else(illegal)?);
            continue;
        }
        let illegal = || Failure::usage("illegal address:port specified");
        let place = Place::parse(said.as_bytes()).ok_or_else(illegal)?;
        service.addr = Some(names::host(&place.host).ok_or_else(illegal)?);
        if let Some(port) = &place.port {
            service.port = Some(names::port(port).ok_or_else(illegal)?);
        }
    }
    Ok(service)
}

/// The server that was typed. Without a port, it has that which the service listens on.
fn server(kernel: &mut Kernel, typed: &Typed) -> Result<Endpoint, Failure> {
    let illegal = || Failure::usage("illegal address:port specified");
    let text = typed.server.as_deref().unwrap_or_default();
    let place = Place::parse(text.as_bytes()).ok_or_else(illegal)?;
    let mut port = PORT;
    if place.port.is_none() {
        let answer = kernel.service(typed.name()).map_err(|failure| {
            let message = failure
                .message
                .replace("No such service", "Service not defined");
            Failure { message, ..failure }
        })?;
        let service = answer.service();
        let service = service.map_err(|error| refused(error, About::Service))?;
        port = service.port.unwrap_or(PORT);
    }
    names::endpoint(&place, port).ok_or_else(illegal)
}

fn change_server(kernel: &mut Kernel, command: u8, typed: &Typed) -> Result<(), Failure> {
    let at = server(kernel, typed)?;
    let weight = match command {
        command::DEL_SERVER => None,
        _ => Some(typed.weight.unwrap_or(1)),
    };
    kernel.change_server(command, typed.name(), &Server { at, weight })
}

fn change_rule(kernel: &mut Kernel, command: u8, typed: &Typed) -> Result<(), Failure> {
    let server = server(kernel, typed)?;
    let rule = Rule {
        pattern: typed.pattern.as_deref().unwrap_or_default().as_bytes(),
        group: typed.group,
        server,
    };
    kernel.change_rule(command, typed.name(), &rule)
}

fn list(kernel: &mut Kernel, typed: &Typed) -> Result<Vec<u8>, Failure> {
    let name = typed.ident.as_deref().map(str::as_bytes);
    let numeric = typed.has(Flag::Numeric);
    if typed.has(Flag::Relays) {
        let found = kernel.relays(name, &relays::filter(typed)?)?;
        return Ok(match typed.has(Flag::Json) {
            true => relays::json(&found, numeric),
            false => relays::table(&found, numeric),
        });
    }
    let services = kernel.services(name)?;
    let stats = typed.has(Flag::Stats);
    let text = match typed.has(Flag::Json) {
        true => listing::json(&services, numeric),
        false => listing::text(&services, Style { numeric, stats }),
    };
    let text = text.map_err(|error| refused(error, About::Service))?;
    match name.is_none() && !typed.has(Flag::Json) {
        true => Ok([VERSION, &text].concat()),
        false => Ok(text),
    }
}

fn end_relays(kernel: &mut Kernel, typed: &Typed) -> Result<Vec<u8>, Failure> {
    let name = typed.ident.as_deref().map(str::as_bytes);
    let count = kernel.end_relays(name, &relays::filter(typed)?)?;
    Ok(format!("{count} relays ended\n").into_bytes())
}

fn load(typed: &Typed) -> Result<Vec<u8>, Failure> {
    let name = typed.file.as_deref().unwrap_or("-");
    let mut text = Vec::new();
    let read = match name {
        "-" => std::io::stdin().read_to_end(&mut text).map(|_| ()),
        name => std::fs::read(name).map(|bytes| text = bytes),
    };
    read.map_err(|error| Failure::file(format!("cannot read {name}: {error}")))?;
    // What `-L` has printed begins with its version.
    let text = text.strip_prefix(VERSION).unwrap_or(&text);
    let attributes = configuration::read(name, text)?;
    if !typed.has(Flag::Check) {
        Kernel::connect()?.apply(attributes)?;
    }
    Ok(Vec::new())
}
