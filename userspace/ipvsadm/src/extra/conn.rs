// SPDX-License-Identifier: GPL-2.0

//! `ipvsadm conn`: connections, with filters.

use clap::ArgMatches;
use ipvs_netlink::ConnectionFilter;

use crate::connections::{Connection, Filter};
use crate::error::{sentence, Asked, Failure};
use crate::exit_code::ExitCode;
use crate::names::Names;
use crate::print::connections;
use crate::restore::say;
use crate::session::{Session, Stream};

/// Hands over the connections that fit: as the kernel tells them, or of its list.
fn each_fitting(
    session: &mut Session,
    filter: &Filter,
    mut each: impl FnMut(Connection) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut outcome = Ok(());
    let mut pass = |one: Connection| {
        if outcome.is_ok() && filter.fits(&one) {
            outcome = each(one);
        }
    };
    if session.client.has_additions() {
        let told = session
            .client
            .each_connection(&filter.told(), |one| pass(Connection::from(one)));
        told.map_err(|error| Failure::listing(&error))?;
    } else {
        crate::session::connections().into_iter().for_each(pass);
    }
    outcome
}

/// The connections that fit.
fn fitting(session: &mut Session, filter: &Filter) -> Result<Vec<Connection>, Failure> {
    let mut found = Vec::new();
    each_fitting(session, filter, |one| {
        found.push(one);
        Ok(())
    })?;
    Ok(found)
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
    if options.get_flag("json") {
        let mut out = Stream::begin()?;
        each_fitting(session, filter, |one| out.put(&one))?;
        out.end()?;
    } else {
        show(&fitting(session, filter)?, options.get_flag("numeric"))?;
    }
    Ok(ExitCode::Success)
}

/// Prints connections as `-Lc` does, with the columns of persistence engines if one of them has something in these.
fn show(found: &[Connection], numeric: bool) -> Result<(), Failure> {
    let names = Names::new(numeric);
    let engines = found.iter().any(|one| one.engine.is_some());
    let lines = found
        .iter()
        .map(|one| connections::line(&names, one, engines));
    say(connections::header(engines))?;
    say(&lines.collect::<String>())
}

/// Shows what [`flush`] would end.
///
/// # Errors
///
/// What the kernel says, or that nobody reads.
pub fn would_flush(session: &mut Session, filter: &Filter) -> Result<ExitCode, Failure> {
    let found = fitting(session, filter)?;
    show(&found, true)?;
    let said = match found.len() {
        1 => "1 connection would be ended\n".to_owned(),
        count => format!("{count} connections would be ended\n"),
    };
    say(&said)?;
    Ok(ExitCode::Success)
}

/// Ends the connections that fit. The kernel looks for no prefixes, so with these each connection is ended by itself.
fn end(session: &mut Session, filter: &Filter) -> Result<u32, ipvs_netlink::Error> {
    if !filter.has_prefix() {
        return session.client.end_connections(&filter.told());
    }
    let mut found = Vec::new();
    session.client.each_connection(&filter.told(), |one| {
        if filter.fits(&Connection::from(one.clone())) {
            found.push(ConnectionFilter::only(&one));
        }
    })?;
    let mut count = 0_u32;
    for one in found {
        count = count.saturating_add(session.client.end_connections(&one)?);
    }
    Ok(count)
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
    let ended = end(session, filter);
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
