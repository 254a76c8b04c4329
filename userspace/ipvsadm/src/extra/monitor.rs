// SPDX-License-Identifier: GPL-2.0

//! `ipvsadm monitor`: changes of the table as they happen.
//!
//! No kernel tells of changes yet, so the table is looked at again and again; what came and went
//! between two looks is not seen.

use std::io::IsTerminal;

use clap::ArgMatches;
use serde::Serialize;

use crate::error::Failure;
use crate::exit_code::ExitCode;
use crate::names::Names;
use crate::plan::{difference, Model};
use crate::print::rules;
use crate::restore::say;
use crate::session::Session;

#[derive(Serialize)]
struct Event<'a> {
    /// Seconds since 1970.
    time: f64,
    /// The rule that would make the change.
    change: &'a str,
}

/// Follows changes.
///
/// # Errors
///
/// What the kernel says, or that nobody reads.
pub fn run(session: &mut Session, options: &ArgMatches) -> Result<ExitCode, Failure> {
    let interval = super::interval(options);
    if std::io::stderr().is_terminal() {
        eprintln!(
            "This kernel does not tell of changes; looking every {} ms.",
            interval.as_millis()
        );
    }
    let names = Names::new(true);
    let mut looks = options.get_one::<u32>("count").copied();
    let mut before = look(session)?;
    while looks != Some(0) {
        std::thread::sleep(interval);
        let now = look(session)?;
        for step in difference(&before, &now) {
            let rule = rules::request(&names, &step.change);
            say(&show(rule.trim_end(), options.get_flag("json")))?;
        }
        before = now;
        looks = looks.map(|left| left.saturating_sub(1));
    }
    Ok(ExitCode::Success)
}

fn look(session: &mut Session) -> Result<Model, Failure> {
    let table = session
        .table(None, true)
        .map_err(|error| Failure::listing(&error))?;
    Ok(Model::of_table(&table))
}

fn show(rule: &str, json: bool) -> String {
    if !json {
        return format!("{rule}\n");
    }
    let time = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64());
    serde_json::to_string(&Event { time, change: rule }).unwrap_or_default() + "\n"
}
