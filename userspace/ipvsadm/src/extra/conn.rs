// SPDX-License-Identifier: GPL-2.0

//! `ipvsadm conn`: connections, with filters.

use clap::ArgMatches;

use crate::connections::{Connection, Filter};
use crate::error::{sentence, Asked, Failure};
use crate::exit_code::ExitCode;
use crate::names::Names;
use crate::print::{connections, json};
use crate::restore::say;
use crate::session::Session;

/// The connections that fit: as the kernel tells them, or of its list.
fn fitting(session: &mut Session, filter: &Filter) -> Result<Vec<Connection>, Failure> {
    if !session.client.has_additions() {
        let mut all = crate::session::connections();
        all.retain(|one| filter.fits(one));
        return Ok(all);
    }
    let found = session.client.connections(&filter.told());
    Ok(found
        .map_err(|error| Failure::listing(&error))?
        .into_iter()
        .map(Connection::from)
        .collect())
}

/// Lists connections.
///
/// # Errors
///
/// What the kernel says, or that nobody reads.
pub fn list(
    session: &mut Session,
    filter: &Filter,
    options: &ArgMatches,
) -> Result<ExitCode, Failure> {
    let found = fitting(session, filter)?;
    if options.get_flag("json") {
        say(&json::connections(&found))?;
    } else {
        let names = Names::new(options.get_flag("numeric"));
        let lines: String = found
            .iter()
            .map(|one| connections::line(&names, one, true))
            .collect();
        say(connections::header(true))?;
        say(&lines)?;
    }
    Ok(ExitCode::Success)
}

/// Checks that it was said which connections to end: some, or all, and not both.
///
/// # Errors
///
/// What to type instead.
pub fn check_choice(filter: &Filter, all: bool) -> Result<(), Failure> {
    match (*filter == Filter::default(), all) {
        (true, false) => Err(Failure::usage(
            "Which connections? Give a filter, such as --server ADDRESS, or --all to end every one.",
        )),
        (false, true) => Err(Failure::usage("--all leaves nothing to a filter: give one of them.")),
        _ => Ok(()),
    }
}

/// Ends connections, where the kernel can, and says how many.
///
/// # Errors
///
/// That it cannot.
pub fn flush(session: &mut Session, filter: &Filter) -> Result<ExitCode, Failure> {
    if !session.client.has_additions() {
        let (connections, fit) = match fitting(session, filter)?.len() {
            1 => ("1 connection".to_owned(), "fits; it ends by itself"),
            count => (
                format!("{count} connections"),
                "fit; they end by themselves",
            ),
        };
        return Err(Failure::kernel(format!(
            "This kernel cannot end connections: its IPVS has no such command.\n\
             {connections} {fit}, as `ipvsadm conn list` shows when.\n\
             With net.ipv4.vs.expire_nodest_conn=1 those of a deleted server end at their next packet."
        )));
    }
    let ended = session.client.end_connections(&filter.told());
    let said = match ended.map_err(|error| Failure::kernel(sentence(Asked::Other, &error)))? {
        1 => "1 connection was ended\n".to_owned(),
        count => format!("{count} connections were ended\n"),
    };
    say(&said)?;
    Ok(ExitCode::Success)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_connections_end_only_when_asked_for() {
        let (everything, udp) = (
            Filter::default(),
            Filter {
                protocol: Some(17),
                ..Filter::default()
            },
        );
        let code = |filter, all| check_choice(filter, all).map_err(|failure| failure.code);
        assert_eq!(code(&everything, false), Err(ExitCode::Usage));
        assert_eq!(code(&udp, true), Err(ExitCode::Usage));
        assert_eq!(code(&everything, true), Ok(()));
        assert_eq!(code(&udp, false), Ok(()));
    }
}
