// SPDX-License-Identifier: GPL-2.0

//! `ipvsadm report`: one page with plots of the table and its rates, which needs nothing but a browser.

mod page;
mod plot;

use std::path::PathBuf;

use clap::ArgMatches;
use ipvs_netlink::{Dest, Info, Service};

use super::drops;
use crate::error::Failure;
use crate::exit_code::ExitCode;
use crate::restore::say;
use crate::session::Session;

/// Services with their servers.
type Table = Vec<(Service, Vec<Dest>)>;

/// What was seen in some looks.
struct Seen {
    /// The kernel's version and the size of its connection table.
    info: Info,
    /// Whether it is the module that tells more.
    is_rust: bool,
    /// Milliseconds between two looks.
    interval: u64,
    /// The table at each look, the last one last.
    looks: Vec<Table>,
    /// Drops by reason before and after, where the kernel tells them.
    drops: Option<(Drops, Drops)>,
}

type Drops = Vec<(String, u64)>;

/// Looks at the table several times, and writes the page.
///
/// # Errors
///
/// What the kernel says, or the file.
pub fn run(session: &mut Session, options: &ArgMatches) -> Result<ExitCode, Failure> {
    let failed = |error| Failure::listing(&error);
    let count = options.get_one::<u32>("looks").copied().unwrap_or(30);
    let interval = super::interval(options);
    let before = drops::read(drops::DROPS);
    let mut looks = Vec::new();
    for number in 0..count {
        if number != 0 {
            std::thread::sleep(interval);
        }
        looks.push(session.table(None, true).map_err(failed)?);
    }
    let seen = Seen {
        info: session.client.info().map_err(failed)?,
        is_rust: session.client.has_additions(),
        interval: u64::try_from(interval.as_millis()).unwrap_or(u64::MAX),
        looks,
        drops: before.zip(drops::read(drops::DROPS)),
    };
    let text = page::html(&seen);
    match options.get_one::<PathBuf>("file") {
        None => say(&text)?,
        Some(path) => std::fs::write(path, text)
            .map_err(|error| Failure::io(&path.display().to_string(), &error))?,
    }
    Ok(ExitCode::Success)
}
