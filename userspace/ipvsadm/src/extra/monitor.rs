// SPDX-License-Identifier: GPL-2.0

//! `ipvsadm monitor`: changes of the table as they happen.
//!
//! Kernels with the additions of `ipvs_rs` tell of each. The table of others is looked at again and
//! again; what came and went between two looks is not seen.

use std::io::IsTerminal;
use std::time::Duration;

use clap::ArgMatches;
use ipvs_netlink::{Change, Master, MasterChange};
use serde::Serialize;

use crate::error::{sentence, Asked, Failure};
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
    let count = options.get_one::<u32>("count").copied();
    let json = options.get_flag("json");
    if session.client.has_additions() {
        listen(session, count, json)?;
    } else {
        watch(session, super::interval(options), count, json)?;
    }
    Ok(ExitCode::Success)
}

/// Shows the changes that the kernel tells.
fn listen(session: &mut Session, mut count: Option<u32>, json: bool) -> Result<(), Failure> {
    let failed = |error| Failure::kernel(sentence(Asked::List, &error));
    let names = Names::new(true);
    let mut monitor = session.client.monitor().map_err(failed)?;
    while count != Some(0) {
        let Some(event) = monitor.next_event().map_err(failed)? else {
            eprintln!("Some changes were lost: there were more than could be read in time.");
            continue;
        };
        let rule = match &event.change {
            Change::Made(request) => rules::request(&names, request),
            Change::Setting { name, value } => setting(name, value),
            Change::Master(change, master) => about(*change, master),
        };
        say(&show(rule.trim_end(), json))?;
        count = count.map(|left| left.saturating_sub(1));
    }
    Ok(())
}

/// The command that sets a sysctl; values of several numbers have a tab between.
fn setting(name: &str, value: &str) -> String {
    let words: Vec<&str> = value.split_whitespace().collect();
    match words.as_slice() {
        [one] => format!("sysctl net.ipv4.vs.{name}={one}"),
        _ => format!("sysctl net.ipv4.vs.{name}='{}'", words.join(" ")),
    }
}

/// What became of a master, as a comment: no rule makes it.
fn about(change: MasterChange, master: &Master) -> String {
    let text = match (change, master.is_complete) {
        (MasterChange::Lost, _) => "is silent",
        (_, true) => "is heard, and all its connections are here",
        (_, false) => "is heard, and its connections are asked for",
    };
    format!("# master {} stream {} {text}", master.addr, master.stream)
}

/// Shows what changes from look to look.
fn watch(
    session: &mut Session,
    interval: Duration,
    mut looks: Option<u32>,
    json: bool,
) -> Result<(), Failure> {
    if std::io::stderr().is_terminal() {
        eprintln!(
            "This kernel does not tell of changes; looking every {} ms.",
            interval.as_millis()
        );
    }
    let names = Names::new(true);
    let mut before = look(session)?;
    while looks != Some(0) {
        std::thread::sleep(interval);
        let now = look(session)?;
        for step in difference(&before, &now) {
            let rule = rules::request(&names, &step.change);
            say(&show(rule.trim_end(), json))?;
        }
        before = now;
        looks = looks.map(|left| left.saturating_sub(1));
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_a_command_for_a_shell() {
        assert_eq!(setting("conn_max", "17"), "sysctl net.ipv4.vs.conn_max=17");
        let two = "sysctl net.ipv4.vs.sync_threshold='5 60'";
        assert_eq!(setting("sync_threshold", "5\t60"), two);
    }
}
