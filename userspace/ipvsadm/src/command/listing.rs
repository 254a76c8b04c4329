// SPDX-License-Identifier: GPL-2.0

//! Which options of listings go together.

use super::{Listing, View, What};
use crate::cli::Typed;
use crate::error::Failure;
use crate::options::Flag;

/// What is to be listed.
pub(super) fn interpret(typed: &Typed) -> Result<Listing, Failure> {
    const EXCLUSIVE: [(Flag, &str); 3] = [
        (Flag::Connection, "connection"),
        (Flag::Timeout, "timeout"),
        (Flag::Daemon, "daemon"),
    ];
    let conflict = |one: &str, other: &str| {
        Failure::usage(format!(
            "The option '{one}' conflicts with the '{other}' option in the 'list' command"
        ))
    };
    let given: Vec<&str> = EXCLUSIVE
        .iter()
        .filter(|(flag, _)| typed.has(*flag))
        .map(|(_, name)| *name)
        .collect();
    if typed.service.is_some() {
        match given.first() {
            Some(&"connection") => return Err(conflict("service-address", "connection")),
            Some(other) => return Err(conflict(other, "service-address")),
            None => {}
        }
    }
    if let [first, second, ..] = given.as_slice() {
        return Err(conflict(second, first));
    }
    let wide = typed.has(Flag::Stats) || typed.has(Flag::Rate) || typed.has(Flag::Thresholds);
    let engines = typed.has(Flag::PersistentConn);
    if !given.is_empty() && (wide || (engines && !typed.has(Flag::Connection))) {
        return Err(Failure::usage("options conflicts in the list command"));
    }
    let view = if typed.has(Flag::Stats) {
        View::Stats
    } else if typed.has(Flag::Rate) {
        View::Rates
    } else if typed.has(Flag::Thresholds) {
        View::Thresholds
    } else if engines {
        View::Persistent
    } else if typed.has(Flag::TunInfo) {
        View::Tunnels
    } else {
        View::Plain
    };
    Ok(Listing {
        what: match given.first() {
            Some(&"connection") => What::Connections { engines },
            Some(&"timeout") => What::Timeouts,
            Some(_) => What::Daemons,
            None => What::Services(typed.service, view),
        },
        numeric: typed.has(Flag::Numeric),
        exact: typed.has(Flag::Exact),
        sorted: !typed.has(Flag::NoSort),
        json: typed.has(Flag::Json),
    })
}
