// SPDX-License-Identifier: GPL-2.0

//! `ipvsadm conn`: connections, with filters.

use clap::ArgMatches;

use crate::connections::Filter;
use crate::error::Failure;
use crate::exit_code::ExitCode;
use crate::names::Names;
use crate::print::{connections, json};
use crate::restore::say;

/// Lists connections.
///
/// # Errors
///
/// If nobody reads them.
pub fn list(filter: &Filter, options: &ArgMatches) -> Result<ExitCode, Failure> {
    let all = crate::session::connections();
    let wanted = all.iter().filter(|one| filter.fits(one));
    if options.get_flag("json") {
        say(&json::connections(wanted))?;
    } else {
        let names = Names::new(options.get_flag("numeric"));
        let lines: String = wanted
            .map(|one| connections::line(&names, one, true))
            .collect();
        say(connections::header(true))?;
        say(&lines)?;
    }
    Ok(ExitCode::Success)
}

/// Ends connections, once there is a kernel that can.
///
/// # Errors
///
/// That there is none.
pub fn flush(filter: &Filter) -> Result<ExitCode, Failure> {
    let all = crate::session::connections();
    let count = all.iter().filter(|one| filter.fits(one)).count();
    Err(Failure::kernel(format!(
        "This kernel cannot end connections: its IPVS has no such command.\n\
         {count} connections fit; they end by themselves, as `ipvsadm conn list` shows when.\n\
         With net.ipv4.vs.expire_nodest_conn=1 those of a deleted server end at their next packet."
    )))
}
