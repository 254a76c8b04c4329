// SPDX-License-Identifier: GPL-2.0

//! What was typed.

use ktcpvs_core::config::{is_name, Place, GROUP_MAX};
use ktcpvs_core::pattern::PATTERN_MAX;

use crate::failure::Failure;

/// A command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// `-A`
    AddService,
    /// `-E`
    EditService,
    /// `-D`
    DeleteService,
    /// `-F`
    Flush,
    /// `-a`
    AddServer,
    /// `-e`
    EditServer,
    /// `-d`
    DeleteServer,
    /// `--add-rule`
    AddRule,
    /// `--del-rule`
    DeleteRule,
    /// `-L`
    List,
    /// `-f`
    Load,
    /// `--start`
    Start,
    /// `--stop`
    Stop,
    /// `--end-relays`
    EndRelays,
    /// `--monitor`
    Monitor,
    /// `-h`
    Help,
}

/// An option.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flag {
    /// `-n`
    Numeric,
    /// `-i`
    Ident,
    /// `-s`
    Scheduler,
    /// `-P`
    ServerPort,
    /// `-l`
    Listen,
    /// `-r`
    RealServer,
    /// `-w`
    Weight,
    /// `-p`
    Pattern,
    /// `-m`
    Match,
    /// `--stats`
    Stats,
    /// `--json`
    Json,
    /// `--check`
    Check,
    /// `--relays`
    Relays,
    /// `-c`
    Client,
    /// `--all`
    All,
}

use Flag::{
    All, Check, Client, Ident, Json, Listen, Match, Numeric, Pattern, RealServer, Relays,
    Scheduler, ServerPort, Stats, Weight,
};

/// A command as it is typed: short, long, what it is, what it needs, what it may have besides.
type Command = (
    Option<char>,
    &'static str,
    Verb,
    &'static [Flag],
    &'static [Flag],
);

const COMMANDS: [Command; 16] = [
    (
        Some('A'),
        "add-service",
        Verb::AddService,
        &[Ident],
        &[Scheduler, ServerPort, Listen],
    ),
    (
        Some('E'),
        "edit-service",
        Verb::EditService,
        &[Ident],
        &[Scheduler, ServerPort, Listen],
    ),
    (
        Some('D'),
        "delete-service",
        Verb::DeleteService,
        &[Ident],
        &[],
    ),
    (Some('F'), "flush", Verb::Flush, &[], &[]),
    (
        Some('a'),
        "add-server",
        Verb::AddServer,
        &[Ident, RealServer],
        &[Weight],
    ),
    (
        Some('e'),
        "edit-server",
        Verb::EditServer,
        &[Ident, RealServer],
        &[Weight],
    ),
    (
        Some('d'),
        "delete-server",
        Verb::DeleteServer,
        &[Ident, RealServer],
        &[],
    ),
    (
        None,
        "add-rule",
        Verb::AddRule,
        &[Ident, Pattern, RealServer],
        &[Match],
    ),
    (
        None,
        "del-rule",
        Verb::DeleteRule,
        &[Ident, Pattern, RealServer],
        &[Match],
    ),
    (
        Some('L'),
        "list",
        Verb::List,
        &[],
        &[Ident, Numeric, Stats, Json, Relays, RealServer, Client],
    ),
    (Some('f'), "load-configfile", Verb::Load, &[], &[Check]),
    (None, "start", Verb::Start, &[], &[Ident]),
    (None, "stop", Verb::Stop, &[], &[Ident]),
    (
        None,
        "end-relays",
        Verb::EndRelays,
        &[],
        &[Ident, RealServer, Client, All],
    ),
    (None, "monitor", Verb::Monitor, &[], &[Numeric, Json]),
    (Some('h'), "help", Verb::Help, &[], &[]),
];

/// An option as it is typed: short, long, whether it has a value, its name in messages.
type Word = (Option<char>, &'static str, Flag, bool, &'static str);

const OPTIONS: [Word; 16] = [
    (Some('n'), "numeric", Numeric, false, "numeric"),
    (Some('i'), "ident", Ident, true, "ident"),
    (Some('s'), "scheduler", Scheduler, true, "scheduler"),
    (Some('P'), "serverport", ServerPort, true, "serverport"),
    (Some('l'), "listen", Listen, true, "listen"),
    (None, "serveraddr", Listen, true, "serveraddr"),
    (Some('r'), "real-server", RealServer, true, "real-server"),
    (Some('w'), "weight", Weight, true, "weight"),
    (Some('p'), "pattern", Pattern, true, "pattern"),
    (Some('m'), "match", Match, true, "match"),
    (None, "stats", Stats, false, "stats"),
    (None, "json", Json, false, "json"),
    (None, "check", Check, false, "check"),
    (None, "relays", Relays, false, "relays"),
    (Some('c'), "client", Client, true, "client"),
    (None, "all", All, false, "all"),
];

/// What was typed, each value checked on its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Typed {
    /// The file of [`Verb::Load`].
    pub file: Option<String>,
    /// `-i`
    pub ident: Option<String>,
    /// `-s`
    pub scheduler: Option<String>,
    /// `-P` and `-l`, in the order in which they were typed.
    pub listen: Vec<String>,
    /// `-r`
    pub server: Option<String>,
    /// `-c`
    pub client: Option<String>,
    /// `-w`
    pub weight: Option<u16>,
    /// `-p`
    pub pattern: Option<String>,
    /// `-m`
    pub group: u8,
    /// The options that were given.
    pub flags: Vec<Flag>,
}

impl Typed {
    /// Whether an option was given.
    pub fn has(&self, flag: Flag) -> bool {
        self.flags.contains(&flag)
    }

    /// The name of the service; empty without one, which commands that need one do not get here with.
    pub fn name(&self) -> &[u8] {
        self.ident.as_deref().unwrap_or_default().as_bytes()
    }
}

/// All commands and options: short, long, whether a value follows.
pub(crate) fn words() -> impl Iterator<Item = (Option<char>, &'static str, bool)> {
    let commands = COMMANDS.iter().map(|it| (it.0, it.1, it.2 == Verb::Load));
    commands.chain(OPTIONS.iter().map(|it| (it.0, it.1, it.3)))
}

fn name_of(flag: Flag) -> &'static str {
    let found = OPTIONS.iter().find(|word| word.2 == flag);
    found.map_or("", |word| word.4)
}

/// A word in two parts: what it names, and a value that is a part of the word.
enum Named<'a> {
    Short(char, Option<&'a str>),
    Long(&'a str, Option<&'a str>),
    No,
}

fn named(word: &str) -> Named<'_> {
    if let Some(long) = word.strip_prefix("--") {
        return match long.split_once('=') {
            Some((name, value)) => Named::Long(name, Some(value)),
            None => Named::Long(long, None),
        };
    }
    let mut letters = word.chars();
    match (letters.next(), letters.next()) {
        (Some('-'), Some(letter)) => {
            let rest = letters.as_str();
            Named::Short(letter, (!rest.is_empty()).then_some(rest))
        }
        _ => Named::No,
    }
}

/// Reads the words behind the name of the program. Without any, the list is asked for.
///
/// # Errors
///
/// The first mistake.
pub fn parse(words: &[String]) -> Result<(Verb, Typed), Failure> {
    let mut words = words.iter();
    let mut typed = Typed::default();
    let Some(first) = words.next() else {
        return Ok((Verb::List, typed));
    };
    let (command, mut glued) = find_command(first).ok_or_else(Failure::unknown_command)?;
    let (_, long, verb, needed, allowed) = *command;
    if verb == Verb::Load {
        let file = glued.take().or_else(|| words.next().map(String::as_str));
        typed.file = Some(file.ok_or_else(|| missing(long))?.to_owned());
    }
    // As `-Ln`: options without a value behind the letter of the command.
    let mut pending: Vec<String> = glued.map(|rest| format!("-{rest}")).into_iter().collect();
    loop {
        let word = match pending.pop() {
            Some(word) => word,
            None => match words.next() {
                Some(word) => word.clone(),
                None => break,
            },
        };
        if find_command(&word).is_some() {
            return Err(Failure::usage("multiple commands specified"));
        }
        let (option, value) = find_option(&word)?;
        let (_, _, flag, has_value, name) = *option;
        if typed.has(flag) && !matches!(flag, Listen | ServerPort) {
            return Err(Failure::usage(format!(
                "multiple '{name}' options specified"
            )));
        }
        if !needed.contains(&flag) && !allowed.contains(&flag) {
            let message = format!("Illegal '{name}' option with the '{long}' command");
            return Err(Failure::usage(message));
        }
        let value = match (has_value, value) {
            (true, Some(value)) => value,
            (true, None) => words.next().ok_or_else(|| missing(name))?.clone(),
            (false, Some(rest)) if !word.starts_with("--") => {
                pending.push(format!("-{rest}"));
                String::new()
            }
            (false, Some(_)) => return Err(unknown()),
            (false, None) => String::new(),
        };
        typed.flags.push(flag);
        take(&mut typed, flag, value)?;
    }
    check_together(verb, &typed)?;
    for flag in needed {
        if !typed.has(*flag) {
            let name = name_of(*flag);
            let message =
                format!("You need to supply the '{name}' option for the '{long}' command");
            return Err(Failure::usage(message));
        }
    }
    Ok((verb, typed))
}

/// Refuses options that need another one, which is not there.
fn check_together(verb: Verb, typed: &Typed) -> Result<(), Failure> {
    let of_relays = [RealServer, Client];
    let lonely = of_relays.iter().find(|flag| typed.has(**flag));
    match (verb, lonely) {
        (Verb::List, Some(flag)) if !typed.has(Relays) => Err(Failure::usage(format!(
            "Illegal '{}' option with the 'list' command",
            name_of(*flag)
        ))),
        (Verb::EndRelays, None) if !typed.has(Ident) && !typed.has(All) => Err(Failure::usage(
            "You need to supply the 'all' option for the 'end-relays' command",
        )),
        _ => Ok(()),
    }
}

fn unknown() -> Failure {
    Failure::usage("unknown arguments found in command line")
}

fn missing(name: &str) -> Failure {
    Failure::usage(format!("the '{name}' option needs a value"))
}

fn find_command(word: &str) -> Option<(&'static Command, Option<&str>)> {
    let (found, rest) = match named(word) {
        Named::Short(letter, rest) => (COMMANDS.iter().find(|it| it.0 == Some(letter)), rest),
        Named::Long(long, rest) => (COMMANDS.iter().find(|it| it.1 == long), rest),
        Named::No => return None,
    };
    found.map(|command| (command, rest))
}

fn find_option(word: &str) -> Result<(&'static Word, Option<String>), Failure> {
    let (found, value) = match named(word) {
        Named::Short(letter, value) => (OPTIONS.iter().find(|it| it.0 == Some(letter)), value),
        Named::Long(long, value) => (OPTIONS.iter().find(|it| it.1 == long), value),
        Named::No => (None, None),
    };
    let found = found.ok_or_else(unknown)?;
    Ok((found, value.map(str::to_owned)))
}

fn take(typed: &mut Typed, flag: Flag, value: String) -> Result<(), Failure> {
    match flag {
        Ident | Scheduler if !is_name(value.as_bytes()) => {
            return Err(Failure::usage(format!(
                "illegal {} specified",
                name_of(flag)
            )));
        }
        Ident => typed.ident = Some(value),
        Scheduler => typed.scheduler = Some(value),
        // A port is told from a place by what is before it.
        ServerPort => typed.listen.push(format!(":{value}")),
        Listen => typed.listen.push(value),
        RealServer | Client if Place::parse(value.as_bytes()).is_none() => {
            return Err(Failure::usage("illegal address:port specified"));
        }
        RealServer => typed.server = Some(value),
        Client => typed.client = Some(value),
        Weight => {
            let weight = value.parse();
            typed.weight = Some(weight.map_err(|_| Failure::usage("illegal weight specified"))?);
        }
        Pattern if value.is_empty() || value.len() > PATTERN_MAX => {
            return Err(Failure::usage("illegal pattern specified"));
        }
        Pattern => typed.pattern = Some(value),
        Match => {
            let group = value.parse().ok().filter(|group| *group <= GROUP_MAX);
            typed.group = group.ok_or_else(|| Failure::usage("illegal match number specified"))?;
        }
        Numeric | Stats | Json | Check | Relays | All => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(line: &str) -> Result<(Verb, Typed), Failure> {
        let words: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
        parse(&words)
    }

    #[test]
    fn commands_are_read() {
        let (verb, found) = typed("-A -i web -s http -P 80 -l 10.0.0.1").unwrap();
        assert_eq!(verb, Verb::AddService);
        assert_eq!(found.name(), b"web");
        assert_eq!(found.listen, [":80", "10.0.0.1"]);
        let (verb, found) = typed("--add-rule -iweb --pattern=/a=b -r 10.0.0.2:80 -m9").unwrap();
        assert_eq!(verb, Verb::AddRule);
        assert_eq!((found.pattern.as_deref(), found.group), (Some("/a=b"), 9));
        let (verb, found) = typed("-Ln --stats").unwrap();
        assert!(verb == Verb::List && found.has(Numeric) && found.has(Stats));
        let (verb, found) = typed("--end-relays -i web -c 10.0.0.9").unwrap();
        assert_eq!(verb, Verb::EndRelays);
        assert_eq!(found.client.as_deref(), Some("10.0.0.9"));
        assert!(typed("-L --relays -r 10.0.0.1:80 -n")
            .unwrap()
            .1
            .has(Relays));
        assert_eq!(typed("--end-relays --all").unwrap().0, Verb::EndRelays);
        assert_eq!(typed("--monitor --json").unwrap().0, Verb::Monitor);
        assert_eq!(typed("").unwrap().0, Verb::List);
        assert_eq!(typed("-f - --check").unwrap().1.file.as_deref(), Some("-"));
    }

    #[test]
    fn mistakes_have_their_words() {
        for (line, status, words) in [
            ("-i web -A", 255, "Try `tcpvsadm -h' for more information."),
            ("foo", 255, "Try `tcpvsadm -h' for more information."),
            ("-A -E -i web", 2, "multiple commands specified"),
            ("-A -i a -i b", 2, "multiple 'ident' options specified"),
            (
                "-A",
                2,
                "You need to supply the 'ident' option for the 'add-service' command",
            ),
            (
                "-F -i a",
                2,
                "Illegal 'ident' option with the 'flush' command",
            ),
            (
                "-a -i a -r 10.0.0.1 -w 65536",
                2,
                "illegal weight specified",
            ),
            ("-a -i a -r 10.0.0", 2, "illegal address:port specified"),
            (
                "--add-rule -i a -p x -r 10.0.0.1 -m 10",
                2,
                "illegal match number specified",
            ),
            ("-L what", 2, "unknown arguments found in command line"),
            ("-A -i a/b", 2, "illegal ident specified"),
            (
                "-L -c 10.0.0.1",
                2,
                "Illegal 'client' option with the 'list' command",
            ),
            (
                "--end-relays",
                2,
                "You need to supply the 'all' option for the 'end-relays' command",
            ),
            ("--end-relays -c :", 2, "illegal address:port specified"),
        ] {
            let failure = typed(line).unwrap_err();
            assert_eq!(
                (failure.status, failure.message.as_str()),
                (status, words),
                "{line}"
            );
        }
    }
}
