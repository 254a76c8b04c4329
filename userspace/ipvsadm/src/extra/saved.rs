// SPDX-License-Identifier: GPL-2.0

//! `ipvsadm conn save` and `restore`: connections that live on while the module is replaced.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, IsTerminal, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use ipvs_netlink::{Errno, Error, Outcome, SavedConnections};

use crate::error::{sentence, Asked, Failure};
use crate::exit_code::ExitCode;
use crate::restore::say;
use crate::session::Session;

/// Saves all connections of the namespace, to a file or to standard output.
///
/// # Errors
///
/// What the kernel or the file says.
pub fn save(
    begin: impl FnOnce() -> Result<Session, Failure>,
    path: Option<&Path>,
) -> Result<ExitCode, Failure> {
    if path.is_none() && io::stdout().is_terminal() {
        return Err(Failure::usage(
            "What is saved is not for a terminal: name a file, or redirect standard output.",
        ));
    }
    let saved = begin()?.client.save_connections();
    let saved = saved.map_err(|error| refused("save", &error))?;
    let bytes = saved.to_bytes();
    let Some(path) = path else {
        let mut out = io::stdout().lock();
        out.write_all(&bytes)
            .and_then(|()| out.flush())
            .map_err(|error| Failure::io("standard output", &error))?;
        return Ok(ExitCode::Success);
    };
    write(path, &bytes).map_err(|error| Failure::io(&path.display().to_string(), &error))?;
    say(&format!(
        "{} saved\n",
        counted(
            saved.len().saturating_sub(saved.templates()),
            saved.templates()
        )
    ))?;
    Ok(ExitCode::Success)
}

/// Makes the connections of a file, or of standard input, again. A file that is not whole is refused before anything is changed.
///
/// # Errors
///
/// What is wrong with the file, or what the kernel says.
pub fn restore(
    begin: impl FnOnce() -> Result<Session, Failure>,
    path: Option<&Path>,
) -> Result<ExitCode, Failure> {
    let name = path.map_or("standard input".to_owned(), |path| {
        path.display().to_string()
    });
    let bytes = read(path).map_err(|error| Failure::io(&name, &error))?;
    let saved = SavedConnections::from_bytes(&bytes).map_err(|reason| Failure {
        goes_on: false,
        ..Failure::kernel(format!("{name}: {reason}. Nothing was restored."))
    })?;
    let outcomes = begin()?.client.restore_connections(&saved);
    let report = Report::of(&outcomes.map_err(|error| refused("restore", &error))?);
    say(&report.done)?;
    match report.refused.is_empty() {
        true => Ok(ExitCode::Success),
        false => Err(Failure::kernel(report.refused.trim_end())),
    }
}

/// Why the kernel did not save or restore at all.
fn refused(what: &str, error: &Error) -> Failure {
    Failure::kernel(match error.errno() {
        Some(Errno::EOPNOTSUPP) => {
            format!("This kernel cannot {what} connections: its IPVS has no such command.")
        }
        _ => sentence(Asked::Other, error),
    })
}

/// A number of connections and of templates.
fn counted(connections: usize, templates: usize) -> String {
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    format!(
        "{connections} connection{} and {templates} template{}",
        plural(connections),
        plural(templates)
    )
}

fn read(path: Option<&Path>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match path {
        Some(path) => bytes = fs::read(path)?,
        None => {
            io::stdin().read_to_end(&mut bytes)?;
        }
    }
    Ok(bytes)
}

/// Writes a file that only its owner can read. It is there as a whole, or as it was before.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let is_file = fs::metadata(path).map_or(true, |found| found.is_file());
    if !is_file {
        return fs::write(path, bytes);
    }
    // A link stays, and leads to the new file.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut beside = OsString::from(path.as_os_str());
    beside.push(".new");
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&beside, &path)
        });
    if written.is_err() {
        // There may be none.
        let _ = fs::remove_file(&beside);
    }
    written
}

/// What is said about a restore.
#[derive(Default)]
struct Report {
    /// What was done, or was not needed.
    done: String,
    /// What was refused.
    refused: String,
}

impl Report {
    fn of(outcomes: &[Outcome]) -> Self {
        let count = |wanted: &str| {
            let found = outcomes.iter().find(|(name, _)| name == wanted);
            found.map_or(0, |(_, count)| *count)
        };
        let (new, unbound, bound) = (count("new"), count("new_without_server"), count("updated"));
        let made = new.saturating_add(unbound);
        let mut report = Self {
            done: format!(
                "{made} {} restored\n",
                if made == 1 { "was" } else { "were" }
            ),
            ..Self::default()
        };
        let mut note = |count: u32, text: &str| {
            if count != 0 {
                report.done.push_str(&format!("{count} {text}\n"));
            }
        };
        note(
            unbound,
            "of them without a server: it is not configured. Restore again when it is.",
        );
        note(bound, "got the server that was missing");
        note(
            count("late"),
            "stay as they are: there are such connections already",
        );
        const DONE: [&str; 4] = ["new", "new_without_server", "updated", "late"];
        for (name, count) in outcomes {
            if !DONE.contains(&name.as_str()) {
                let text = reason(name);
                report
                    .refused
                    .push_str(&format!("{count} refused: {text}\n"));
            }
        }
        report
    }
}

/// What the kernel's name of a reason means.
fn reason(name: &str) -> &str {
    match name {
        "conn_max" => "there are as many connections as net.ipv4.vs.conn_max allows",
        "no_memory" => "the kernel has no memory for them",
        "unknown_engine" => "there is no such persistence engine",
        "unknown_option" => "they have something that this kernel does not know",
        "unknown_protocol" => "this kernel does not balance their protocol",
        "unknown_state" => "their protocol has no such state",
        "wrong_flags" => "their flags exclude each other",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(outcomes: &[(&str, u32)]) -> (String, String) {
        let all: Vec<_> = outcomes
            .iter()
            .map(|(name, count)| ((*name).to_owned(), *count))
            .collect();
        let Report { done, refused } = Report::of(&all);
        (done, refused)
    }

    #[test]
    fn what_became_of_the_entries_is_said_by_reason() {
        assert_eq!(report(&[]), ("0 were restored\n".into(), String::new()));
        assert_eq!(
            report(&[("new", 1)]),
            ("1 was restored\n".into(), String::new())
        );
        let (done, refused) = report(&[
            ("new", 3),
            ("new_without_server", 2),
            ("updated", 4),
            ("late", 5),
            ("conn_max", 6),
            ("of_later_times", 7),
        ]);
        assert_eq!(
            done,
            "5 were restored\n\
             2 of them without a server: it is not configured. Restore again when it is.\n\
             4 got the server that was missing\n\
             5 stay as they are: there are such connections already\n"
        );
        assert_eq!(
            refused,
            "6 refused: there are as many connections as net.ipv4.vs.conn_max allows\n\
             7 refused: of_later_times\n"
        );
    }

    #[test]
    fn every_reason_for_which_an_entry_is_skipped_has_words() {
        for name in [
            "conn_max",
            "no_memory",
            "unknown_engine",
            "unknown_option",
            "unknown_protocol",
            "unknown_state",
            "wrong_flags",
        ] {
            assert_ne!(reason(name), name);
        }
    }

    #[test]
    fn numbers_have_their_plural() {
        assert_eq!(counted(1, 0), "1 connection and 0 templates");
        assert_eq!(counted(2, 1), "2 connections and 1 template");
    }

    #[test]
    fn a_bad_file_is_refused_before_the_kernel_is_asked() {
        let folder = std::env::temp_dir().join(format!("ipvsadm-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let asked = || -> Result<Session, Failure> { panic!("the kernel was asked") };
        let path = folder.join("saved");
        for text in [
            "",
            "-A -t 10.0.0.1:80\n",
            "IPVS connections, format 9, or so\n",
        ] {
            write(&path, text.as_bytes()).unwrap();
            let failure = restore(asked, Some(&path)).unwrap_err();
            assert_eq!(failure.code, ExitCode::Failure, "{text}");
            assert!(
                failure.message.ends_with("Nothing was restored."),
                "{}",
                failure.message
            );
        }
        let failure = restore(asked, Some(&folder.join("nosuch"))).unwrap_err();
        assert!(
            failure.message.contains("No such file"),
            "{}",
            failure.message
        );
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_and_is_for_its_owner() {
        use std::os::unix::fs::{symlink, PermissionsExt};
        let folder = std::env::temp_dir().join(format!("ipvsadm-w-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (path, link) = (folder.join("saved"), folder.join("link"));
        symlink(&path, &link).unwrap();
        for text in ["first", "2nd"] {
            write(&path, text.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        write(&link, b"through a link").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "through a link");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(
            fs::read_dir(&folder).unwrap().count(),
            2,
            "nothing beside them"
        );
        assert!(write(&folder.join("none/saved"), b"x").is_err());
        fs::remove_dir_all(&folder).unwrap();
    }
}
