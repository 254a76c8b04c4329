// SPDX-License-Identifier: GPL-2.0

//! What the options mean together: a change for the kernel, or a question to it.

mod listing;
mod things;
pub mod tunnel;

use ipvs_netlink::{DaemonRole, Request, ServiceKey, Timeouts};

pub use self::things::SCHED_FLAGS;
use self::things::{
    daemon, scheduler_flags, supplied_server, supplied_service, whole_server, whole_service,
};
use crate::cli::{timeout, Typed};
use crate::error::{Asked, Failure};
use crate::options::{Flag, Verb, CHECKED};
use crate::remark;

/// What a command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// To show the usage.
    Help,
    /// To show the version.
    Version,
    /// To change something.
    Change(Request, Asked),
    /// To show something.
    List(Listing),
    /// To show the table as rules.
    Save {
        /// With numbers for names.
        numeric: bool,
    },
    /// To read rules.
    Restore(How),
}

/// How rules are restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// One after the other.
    EachLine,
    /// As one change, from the live table to the one that the rules describe.
    Atomic(Others),
    /// Not at all: that change is shown.
    DryRun(Others),
}

/// What becomes of services that the rules do not name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Others {
    /// They are deleted.
    Go,
    /// They stay as they are.
    Stay,
}

/// What is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// What.
    pub what: What,
    /// With numbers for names.
    pub numeric: bool,
    /// With numbers in full.
    pub exact: bool,
    /// In order.
    pub sorted: bool,
    /// As JSON.
    pub json: bool,
}

/// What is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// All services, or one.
    Services(Option<ServiceKey>, View),
    /// Connections, with the data of persistence engines or without.
    Connections {
        /// With that data.
        engines: bool,
    },
    /// Timeouts.
    Timeouts,
    /// Daemons.
    Daemons,
}

/// The columns of a listing of services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// Method, weight, connections.
    Plain,
    /// Counters.
    Stats,
    /// Rates.
    Rates,
    /// Thresholds.
    Thresholds,
    /// Persistence templates.
    Persistent,
    /// Tunnels.
    Tunnels,
}

impl Default for Listing {
    fn default() -> Self {
        Self {
            what: What::Services(None, View::Plain),
            numeric: false,
            exact: false,
            sorted: true,
            json: false,
        }
    }
}

/// The meaning of what was typed.
///
/// # Errors
///
/// The first mistake in the order of 1.31.
pub fn interpret(mut typed: Typed) -> Result<Command, Failure> {
    match typed.verb {
        Verb::Help => return Ok(Command::Help),
        Verb::Version => return Ok(Command::Version),
        _ => {}
    }
    let times = take_timeouts(&mut typed)?;
    if let Some(word) = typed.words.first() {
        let failure = Failure::usage(format!("unexpected argument {word}"));
        return Err(failure
            .with("options begin with a dash, and names of commands like `monitor' come first"));
    }
    let flags = scheduler_flags(&typed)?;
    check_options(&typed)?;
    let service = |asked, make: fn(ServiceKey) -> Request| {
        Ok(Command::Change(make(supplied_service(&typed)?), asked))
    };
    match typed.verb {
        Verb::AddService => {
            let (key, settings) = whole_service(&typed, flags)?;
            Ok(Command::Change(
                Request::AddService(key, settings),
                Asked::AddService,
            ))
        }
        Verb::EditService => {
            let (key, settings) = whole_service(&typed, flags)?;
            Ok(Command::Change(
                Request::EditService(key, settings),
                Asked::Service,
            ))
        }
        Verb::DeleteService => service(Asked::Service, Request::DeleteService),
        Verb::Zero => Ok(Command::Change(
            Request::Zero(typed.service),
            Asked::Service,
        )),
        Verb::Clear => Ok(Command::Change(Request::Flush, Asked::Other)),
        Verb::AddServer => {
            let (key, server, settings) = whole_server(&typed)?;
            Ok(Command::Change(
                Request::AddDest(key, server, settings),
                Asked::AddServer,
            ))
        }
        Verb::EditServer => {
            let (key, server, settings) = whole_server(&typed)?;
            Ok(Command::Change(
                Request::EditDest(key, server, settings),
                Asked::Server,
            ))
        }
        Verb::DeleteServer => {
            let request = Request::DeleteDest(supplied_service(&typed)?, supplied_server(&typed)?);
            Ok(Command::Change(request, Asked::Server))
        }
        Verb::SetTimeouts => Ok(Command::Change(Request::SetTimeouts(times), Asked::Other)),
        Verb::StartDaemon => {
            let request = Request::StartDaemon(daemon(&typed)?);
            Ok(Command::Change(request, Asked::StartDaemon))
        }
        Verb::StopDaemon => {
            let role = typed.role.unwrap_or(DaemonRole::Master);
            Ok(Command::Change(
                Request::StopDaemon(role),
                Asked::StopDaemon,
            ))
        }
        Verb::List => listing::interpret(&typed).map(Command::List),
        Verb::Save => Ok(Command::Save {
            numeric: typed.has(Flag::Numeric),
        }),
        Verb::Restore => restore(&typed).map(Command::Restore),
        Verb::Help => Ok(Command::Help),
        Verb::Version => Ok(Command::Version),
    }
}

/// How rules are restored.
fn restore(typed: &Typed) -> Result<How, Failure> {
    let others = match typed.has(Flag::KeepOthers) {
        true => Others::Stay,
        false => Others::Go,
    };
    if typed.has(Flag::DryRun) {
        Ok(How::DryRun(others))
    } else if typed.has(Flag::Atomic) {
        Ok(How::Atomic(others))
    } else if others == Others::Stay {
        Err(Failure::usage(
            "--keep-others goes with --atomic or --dry-run: line by line, other services stay anyway",
        ))
    } else {
        Ok(How::EachLine)
    }
}

/// The three words of `--set`.
fn take_timeouts(typed: &mut Typed) -> Result<Timeouts, Failure> {
    let mut times = [0; 3];
    if typed.verb == Verb::SetTimeouts {
        if typed.words.len() < 3 {
            return Err(Failure::usage("--set option requires 3 timeout values"));
        }
        for (time, word) in times.iter_mut().zip(typed.words.drain(..3)) {
            *time = timeout(&word, 0)?;
        }
    }
    let [tcp_established, tcp_fin_wait, udp] = times;
    Ok(Timeouts {
        tcp_established,
        tcp_fin_wait,
        udp,
    })
}

/// Flags that may not go with the command, and those that must.
fn check_options(typed: &Typed) -> Result<(), Failure> {
    for (name, group) in CHECKED {
        let given = typed.flags.iter().find(|flag| group.contains(flag));
        let verb = typed.verb.name();
        match given {
            Some(flag) if !typed.verb.allows(*flag) => {
                return Err(Failure::usage(format!(
                    "Illegal '{name}' option with the '{verb}' command"
                ))
                .with_any(remark::commands_of(*flag)));
            }
            None if needs(typed.verb, name) => return Err(missing(name, typed.verb)),
            _ => {}
        }
    }
    Ok(())
}

fn needs(verb: Verb, name: &str) -> bool {
    match name {
        "service-address" => matches!(
            verb,
            Verb::AddService
                | Verb::EditService
                | Verb::DeleteService
                | Verb::AddServer
                | Verb::EditServer
                | Verb::DeleteServer
        ),
        "real-server" => {
            matches!(
                verb,
                Verb::AddServer | Verb::EditServer | Verb::DeleteServer
            )
        }
        _ => false,
    }
}

fn missing(name: &str, verb: Verb) -> Failure {
    Failure::usage(format!(
        "You need to supply the '{name}' option for the '{}' command",
        verb.name()
    ))
    .with_any(remark::group(name))
}
