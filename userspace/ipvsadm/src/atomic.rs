// SPDX-License-Identifier: GPL-2.0

//! Restoring as one change: all of it, or none.
//!
//! Kernels with the additions of `ipvs_rs` replace their table in one step. For others the fewest
//! changes are made one after the other, all new things before anything goes; and if one is refused,
//! those made are undone, before anything has gone.

use ipvs_netlink::{Errno, Error, Request};

use crate::command::{Command, Others};
use crate::error::{sentence, told, Asked, Failure};
use crate::exit_code::ExitCode;
use crate::names::{Names, Services};
use crate::plan::{carry_out, difference, Model, Outcome, Step};
use crate::print::rules;
use crate::restore::{at, parse_line, say, Line};
use crate::session::Session;

/// Makes the table what the rules say, or shows how.
///
/// # Errors
///
/// The first mistake in the rules, before anything is changed; or what the kernel refuses.
pub fn run(
    session: &mut Session,
    text: &str,
    is_dry: bool,
    others: Others,
) -> Result<ExitCode, Failure> {
    let wanted = read(&session.program, text, &Services::default())?;
    if !is_dry && replace(session, &wanted, others)? {
        return Ok(ExitCode::Success);
    }
    let table = session
        .table(None, false)
        .map_err(|error| Failure::listing(&error))?;
    let mut live = Model::of_table(&table);
    if others == Others::Stay {
        live = live.among(&wanted);
    }
    let steps = difference(&live, &wanted);
    if is_dry {
        let names = Names::new(true);
        let lines: String = steps
            .iter()
            .map(|step| rules::request(&names, &step.change))
            .collect();
        say(&lines)?;
    } else {
        apply(session, &steps)?;
    }
    Ok(ExitCode::Success)
}

/// The table that rules describe.
///
/// # Errors
///
/// The first mistake, with the number of its line.
pub fn read(program: &str, text: &str, services: &Services) -> Result<Model, Failure> {
    let mut wanted = Model::default();
    for (index, text) in text.lines().enumerate() {
        let line = Line {
            number: index.saturating_add(1),
            text,
        };
        let outcome = match parse_line(program, text, services) {
            Ok(None) => Ok(()),
            Ok(Some(Command::Change(request, asked))) => {
                wanted.apply(&request, asked).map_err(Failure::kernel)
            }
            Ok(Some(_)) => Err(Failure::usage(
                "Only changes of services and servers can be restored as a whole",
            )),
            Err(failure) => Err(failure),
        };
        outcome.map_err(|failure| at(line, &failure))?;
    }
    Ok(wanted)
}

/// Replaces the table in one step; false if the kernel cannot, or does not take one as
/// large as this.
fn replace(session: &mut Session, wanted: &Model, others: Others) -> Result<bool, Failure> {
    let error = match session
        .client
        .replace(wanted.services(), others == Others::Go)
    {
        Ok(()) => return Ok(true),
        Err(error) => error,
    };
    match error.errno() {
        Some(Errno::EOPNOTSUPP | Errno::EMSGSIZE) => Ok(false),
        errno => Err(refused(wanted, &error, errno)),
    }
}

/// What to say of a table that was refused, with the rule that is at fault.
fn refused(wanted: &Model, error: &Error, errno: Option<Errno>) -> Failure {
    let found = match error {
        Error::Refused { why, .. } => {
            entry(why).and_then(|(place, why)| Some((rule(wanted, place)?, why)))
        }
        _ => None,
    };
    let Some(((rule, asked), why)) = found else {
        return Failure::kernel(format!("{error}; nothing was changed"));
    };
    let sentence = errno.map_or_else(String::new, |errno| told(asked, errno, Some(why)));
    Failure::kernel(format!(
        "{sentence} ({}); nothing was changed",
        rule.trim_end()
    ))
}

/// The place that the kernel names, and the reason: "entry N: why".
fn entry(why: &str) -> Option<(usize, &str)> {
    let (number, why) = why.strip_prefix("entry ")?.split_once(':')?;
    Some((number.parse().ok()?, why.trim_start()))
}

/// The rule at a place, counted over services and servers.
fn rule(wanted: &Model, place: usize) -> Option<(String, Asked)> {
    let requests = wanted.services().iter().flat_map(|(key, settings, pool)| {
        let servers = pool
            .iter()
            .map(|(dest, settings)| Request::AddDest(*key, *dest, *settings));
        std::iter::once(Request::AddService(*key, *settings)).chain(servers)
    });
    let request = requests.into_iter().nth(place)?;
    Some((rules::request(&Names::new(true), &request), asked(&request)))
}

/// Makes single changes, or none.
fn apply(session: &mut Session, steps: &[Step]) -> Result<(), Failure> {
    let outcome = carry_out(steps, |changes| session.client.execute_all(changes));
    match outcome.map_err(|error| Failure::kernel(sentence(Asked::Other, &error)))? {
        Outcome::Done => Ok(()),
        Outcome::Refused {
            change,
            errno,
            why,
            left,
        } => {
            let why = told(asked(&change), errno, why.as_deref());
            let rule = rules::request(&Names::new(true), &change);
            let left = match left {
                0 => "nothing was changed".to_owned(),
                1 => "1 change could not be undone".to_owned(),
                count => format!("{count} changes could not be undone"),
            };
            Err(Failure::kernel(format!(
                "{why} ({}); {left}",
                rule.trim_end()
            )))
        }
    }
}

/// What a request asks, for the words about its failure.
const fn asked(request: &Request) -> Asked {
    match request {
        Request::AddService(..) => Asked::AddService,
        Request::EditService(..) | Request::DeleteService(..) => Asked::Service,
        Request::AddDest(..) => Asked::AddServer,
        Request::EditDest(..) | Request::DeleteDest(..) => Asked::Server,
        _ => Asked::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_counts_services_and_servers() {
        let text = "-A -t 10.0.0.1:80\n-a -t 10.0.0.1:80 -r 10.1.0.1 -m\n# more\n-A -f 7";
        let wanted = read("ipvsadm", text, &Services::parse("")).unwrap();
        let at = |why| {
            entry(why)
                .and_then(|(place, _)| rule(&wanted, place))
                .map(|(rule, _)| rule)
        };
        assert_eq!(
            at("entry 1: no").as_deref(),
            Some("-a -t 10.0.0.1:80 -r 10.1.0.1:80 -m -w 1\n")
        );
        assert_eq!(at("entry 2: no").as_deref(), Some("-A -f 7 -s wlc\n"));
        assert_eq!(at("entry 3: no"), None);
        assert_eq!(at("no"), None);
    }
}
