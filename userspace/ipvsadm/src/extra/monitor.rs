// SPDX-License-Identifier: GPL-2.0

//! `ipvsadm monitor`: changes of the table as they happen.
//!
//! Kernels with the additions of `ipvs_rs` tell of each. The table of others is looked at again and
//! again; what came and went between two looks is not seen.

use std::io::IsTerminal;
use std::time::{Duration, SystemTime};

use clap::ArgMatches;
use ipvs_netlink::{Change, Master, MasterChange};
use serde::Serialize;

use super::author::Author;
use crate::error::{sentence, Asked, Failure};
use crate::exit_code::ExitCode;
use crate::names::Names;
use crate::plan::{difference, Model};
use crate::print::{json, rules};
use crate::restore::say;
use crate::session::Session;

#[derive(Serialize)]
struct Event<'a> {
    /// Seconds since 1970.
    time: f64,
    /// The rule that would make the change.
    change: &'a str,
    #[serde(flatten)]
    object: json::Object,
    #[serde(flatten)]
    author: Option<Author>,
}

/// How changes are shown.
#[derive(Clone, Copy)]
struct Form {
    json: bool,
    /// With the time, and who made it.
    times: bool,
}

/// Follows changes.
///
/// # Errors
///
/// What the kernel says, or that nobody reads.
pub fn run(session: &mut Session, options: &ArgMatches) -> Result<ExitCode, Failure> {
    let count = options.get_one::<u32>("count").copied();
    let form = Form {
        json: options.get_flag("json"),
        times: options.get_flag("times"),
    };
    if session.client.has_additions() {
        listen(session, count, form)?;
    } else {
        watch(session, super::interval(options), count, form)?;
    }
    Ok(ExitCode::Success)
}

/// Shows the changes that the kernel tells.
fn listen(session: &mut Session, mut count: Option<u32>, form: Form) -> Result<(), Failure> {
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
            other => format!("# {other:?}"),
        };
        let object = json::Object::of(&event.change);
        let author = (form.json || form.times).then(|| Author::of(event.port));
        say(&show(rule.trim_end(), form, object, author))?;
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
    form: Form,
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
            let object = json::Object::of(&Change::Made(step.change));
            say(&show(rule.trim_end(), form, object, None))?;
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

fn show(rule: &str, form: Form, object: json::Object, author: Option<Author>) -> String {
    let time = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    if form.json {
        let event = Event {
            time: time.as_secs_f64(),
            change: rule,
            object,
            author,
        };
        return serde_json::to_string(&event).unwrap_or_default() + "\n";
    }
    if !form.times {
        return format!("{rule}\n");
    }
    // What `-R` takes for a comment.
    let by = author.map_or_else(String::new, |author| format!(" {author}"));
    match rule.starts_with('#') {
        true => format!("{rule}, {}{by}\n", when(time)),
        false => format!("{rule} # {}{by}\n", when(time)),
    }
}

/// A time since 1970 as a date and a time of day, of UTC.
fn when(time: Duration) -> String {
    const DAY: u64 = 24 * 60 * 60;
    let (seconds, thousandths) = (time.as_secs(), time.subsec_millis());
    let (days, of_day) = (seconds / DAY, seconds % DAY);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{thousandths:03}Z")
}

/// The year, the month and the day that is so many days after the first of 1970.
fn date(mut days: u64) -> (u64, u64, u64) {
    let is_leap = |year: u64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let mut year = 1970_u64;
    loop {
        let length = if is_leap(year) { 366 } else { 365 };
        match days.checked_sub(length) {
            Some(left) => (days, year) = (left, year.saturating_add(1)),
            None => break,
        }
    }
    let mut month = 1_u64;
    for length in [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31_u64] {
        let length = length.saturating_add(u64::from(month == 2 && is_leap(year)));
        match days.checked_sub(length) {
            Some(left) => (days, month) = (left, month.saturating_add(1)),
            None => break,
        }
    }
    (year, month, days.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_dates() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00.250Z"),
            (951_782_399, "2000-02-28T23:59:59.250Z"),
            (951_782_400, "2000-02-29T00:00:00.250Z"),
            (1_735_689_599, "2024-12-31T23:59:59.250Z"),
            (1_795_275_043, "2026-11-21T15:30:43.250Z"),
        ] {
            assert_eq!(when(Duration::from_millis(seconds * 1000 + 250)), expected);
        }
    }

    #[test]
    fn a_setting_is_a_command_for_a_shell() {
        assert_eq!(setting("conn_max", "17"), "sysctl net.ipv4.vs.conn_max=17");
        let two = "sysctl net.ipv4.vs.sync_threshold='5 60'";
        assert_eq!(setting("sync_threshold", "5\t60"), two);
    }
}
