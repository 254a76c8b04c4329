// SPDX-License-Identifier: GPL-2.0

//! `ipvsadm sync`: the keys, the peers and the state of the synchronisation daemons.

use std::fmt::Write;
use std::fs;
use std::io::Read;
use std::net::IpAddr;

use clap::{Arg, ArgAction, ArgMatches, Command};
use ipvs_netlink::{uapi::additions::key, Authentication, Errno, Error, SyncKeys, SyncState};

use crate::error::{sentence, Asked, Failure};
use crate::exit_code::ExitCode;
use crate::print::json;
use crate::restore::say;
use crate::session::Session;

/// A key on the command line: its number and the file with its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
struct KeyFile {
    number: u8,
    path: String,
}

impl std::str::FromStr for KeyFile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, path) = text
            .split_once(':')
            .filter(|(_, path)| !path.is_empty())
            .ok_or("a key is NUMBER:FILE")?;
        let number = number
            .parse()
            .map_err(|_| "the number of a key is 0 to 255")?;
        Ok(Self {
            number,
            path: path.to_owned(),
        })
    }
}

/// The command as clap knows it.
pub fn command() -> Command {
    let none = |help: &'static str| {
        Arg::new("none")
            .long("none")
            .action(ArgAction::SetTrue)
            .help(help)
    };
    Command::new("sync")
        .about("sets keys and peers of the synchronisation daemons, or shows their state")
        .subcommand_required(true)
        .subcommand(
            Command::new("status")
                .about("shows keys, peers, masters and counters")
                .arg(super::switch("json", "as JSON")),
        )
        .subcommand(
            Command::new("keys")
                .about("replaces the keys")
                .arg(
                    Arg::new("auth")
                        .long("auth")
                        .value_name("MODE")
                        .value_parser(["off", "optional", "required"])
                        .help("the codes that datagrams of others must have"),
                )
                .arg(
                    Arg::new("key")
                        .long("key")
                        .value_name("NUMBER:FILE")
                        .value_parser(clap::value_parser!(KeyFile))
                        .action(ArgAction::Append)
                        .help("a key; the first one signs; - is standard input"),
                )
                .arg(
                    none("no keys: nothing is signed or asked for")
                        .conflicts_with_all(["auth", "key"]),
                ),
        )
        .subcommand(
            Command::new("peers")
                .about("replaces the addresses of the other directors, for daemons that start")
                .arg(
                    Arg::new("addresses")
                        .value_name("ADDRESS")
                        .value_parser(clap::value_parser!(IpAddr))
                        .num_args(1..)
                        .help("the other directors, up to 8"),
                )
                .arg(none("none: daemons talk to their group").conflicts_with("addresses")),
        )
}

/// Runs the command. What was typed wrong is said before the module is loaded.
///
/// # Errors
///
/// What was typed wrong, what a file says, or what the kernel says.
pub fn run(
    begin: impl FnOnce() -> Result<Session, Failure>,
    options: &ArgMatches,
) -> Result<ExitCode, Failure> {
    match options.subcommand() {
        Some(("keys", options)) => {
            let keys = keys(options)?;
            begin()?.client.set_sync_keys(&keys).map_err(refused)?;
        }
        Some(("peers", options)) => {
            let peers: Vec<IpAddr> = options
                .get_many("addresses")
                .unwrap_or_default()
                .copied()
                .collect();
            if peers.is_empty() && !options.get_flag("none") {
                return Err(Failure::usage(
                    "Which peers? Name their addresses, or say --none.",
                ));
            }
            begin()?.client.set_sync_peers(&peers).map_err(refused)?;
        }
        Some((_, options)) => {
            let state = begin()?.client.sync_state().map_err(refused)?;
            say(&match options.get_flag("json") {
                true => json::sync_state(&state),
                false => text(&state),
            })?;
        }
        None => return Err(Failure::usage("status, keys or peers?")),
    }
    Ok(ExitCode::Success)
}

/// Why the kernel has refused.
fn refused(error: Error) -> Failure {
    Failure::kernel(match (error.errno(), &error) {
        (Some(Errno::EOPNOTSUPP), _) => {
            "This kernel has no such command: its IPVS knows neither keys nor peers.".to_owned()
        }
        (_, Error::Refused { why, .. }) => format!("The kernel refused: {why}."),
        _ => sentence(Asked::Other, &error),
    })
}

/// The keys that were typed, with their secrets from the files.
fn keys(options: &ArgMatches) -> Result<SyncKeys, Failure> {
    let files: Vec<&KeyFile> = options.get_many("key").unwrap_or_default().collect();
    let mode = options.get_one::<String>("auth").map(String::as_str);
    if mode.is_none() && !options.get_flag("none") {
        return Err(Failure::usage(
            "Which authentication? Say --auth off, optional or required, or --none.",
        ));
    }
    let authentication = match mode {
        Some("required") => Authentication::Required,
        Some("optional") => Authentication::Optional,
        _ => Authentication::Off,
    };
    if files.is_empty() && authentication != Authentication::Off {
        return Err(Failure::usage(
            "Authentication needs a key: --key NUMBER:FILE.",
        ));
    }
    let keys = files
        .into_iter()
        .map(|file| Ok((file.number, secret(file)?)))
        .collect::<Result<_, Failure>>()?;
    Ok(SyncKeys::new(authentication, keys))
}

/// The secret in a file: all bytes but one end of line at the end.
fn secret(file: &KeyFile) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let (name, read) = match file.path.as_str() {
        "-" => (
            "standard input",
            std::io::stdin().read_to_end(&mut bytes).map(drop),
        ),
        path => (path, fs::read(path).map(|found| bytes = found)),
    };
    read.map_err(|error| Failure::io(name, &error))?;
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    let lengths = usize::from(key::SECRET_MIN)..=usize::from(key::SECRET_MAX);
    match lengths.contains(&bytes.len()) {
        true => Ok(bytes),
        false => Err(Failure::usage(format!(
            "{name}: a secret has {} to {} bytes, not {}.",
            key::SECRET_MIN,
            key::SECRET_MAX,
            bytes.len()
        ))),
    }
}

/// What a mode is called.
pub const fn mode(authentication: Authentication) -> &'static str {
    match authentication {
        Authentication::Off => "off",
        Authentication::Optional => "optional",
        Authentication::Required => "required",
    }
}

/// The state as text. Events that did not happen are left out.
fn text(state: &SyncState) -> String {
    let mut out = String::new();
    let authentication = state.authentication.map_or("off", mode);
    let _ = writeln!(out, "authentication {authentication}");
    for (index, number) in state.keys.iter().enumerate() {
        let signs = if index == 0 { " (signs)" } else { "" };
        let _ = writeln!(out, "key {number}{signs}");
    }
    for peer in &state.peers {
        let _ = writeln!(out, "peer {peer}");
    }
    for master in &state.masters {
        let complete = match master.is_complete {
            true => "complete",
            false => "filling",
        };
        let _ = writeln!(
            out,
            "master {} stream {} {complete}, {} missing, heard {} ms ago",
            master.addr, master.stream, master.missing, master.silence
        );
    }
    for (event, count) in state.events.iter().filter(|(_, count)| *count != 0) {
        let _ = writeln!(out, "{event} {count}");
    }
    out
}

#[cfg(test)]
mod tests {
    use ipvs_netlink::Master;

    use super::*;

    fn asked() -> Result<Session, Failure> {
        panic!("the kernel was asked")
    }

    fn failure(words: &[&str]) -> String {
        let words = std::iter::once("sync").chain(words.iter().copied());
        match command().try_get_matches_from(words) {
            Ok(matches) => run(asked, &matches).unwrap_err().message,
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn what_is_typed_wrong_is_said_before_the_kernel_is_asked() {
        for (words, part) in [
            (&["keys"][..], "--auth off"),
            (&["keys", "--auth", "required"], "needs a key"),
            (&["keys", "--auth", "always"], "invalid value 'always'"),
            (&["keys", "--auth", "off", "--key", "1"], "NUMBER:FILE"),
            (&["keys", "--auth", "off", "--key", "1:"], "NUMBER:FILE"),
            (&["keys", "--auth", "off", "--key", "256:x"], "0 to 255"),
            (&["keys", "--none", "--auth", "off"], "cannot be used with"),
            (
                &["keys", "--auth", "optional", "--key", "1:/nosuch"],
                "/nosuch: No such file",
            ),
            (
                &["keys", "--auth", "optional", "--key", "1:/dev/null"],
                "has 16 to 128 bytes, not 0",
            ),
            (&["peers"], "--none"),
            (&["peers", "nobody"], "invalid value 'nobody'"),
            (&["peers", "--none", "10.0.0.1"], "cannot be used with"),
        ] {
            let message = failure(words);
            assert!(message.contains(part), "{words:?}: {message}");
        }
    }

    #[test]
    fn the_state_as_text() {
        let mut master = Master::new(IpAddr::from([10, 0, 0, 1]), 0, 5);
        (master.is_complete, master.missing, master.silence) = (true, 2, 300);
        let mut state = SyncState::default();
        state.authentication = Some(Authentication::Required);
        state.keys = vec![2, 1];
        state.peers = vec![IpAddr::from([10, 0, 0, 1])];
        state.masters = vec![master];
        state.events = vec![("new".to_owned(), 7), ("updated".to_owned(), 0)];
        assert_eq!(
            text(&state),
            "authentication required\nkey 2 (signs)\nkey 1\npeer 10.0.0.1\n\
             master 10.0.0.1 stream 0 complete, 2 missing, heard 300 ms ago\nnew 7\n"
        );
        assert_eq!(text(&SyncState::default()), "authentication off\n");
    }
}
