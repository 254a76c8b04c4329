// SPDX-License-Identifier: GPL-2.0

//! The manual and the completions, from the text that `tcpvsadm -h` prints, so that they name what it names.

use std::fs::{create_dir_all, File};
use std::io::{Result, Write};
use std::path::Path;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, Command, ValueHint};
use clap_complete::{generate_to, Shell};

use crate::cli;
use crate::program::USAGE;

/// What the page says before and after its synopsis and options.
const SECTIONS: &str = include_str!("docs/tcpvsadm.man");
/// Where these go.
const SYNOPSIS: &str = ".\\\" SYNOPSIS\n";
const OPTIONS: &str = ".\\\" OPTIONS\n";
/// When the page was last changed.
const DATE: &str = "2026-11-29";
/// The schedulers that there are.
const SCHEDULERS: [&str; 2] = ["wlc", "http"];
/// What the value of an option is, in the manual.
const VALUES: [(&str, &str); 11] = [
    ("load-configfile", "FILE"),
    ("ident", "IDENT"),
    ("scheduler", "SCHEDULER"),
    ("serverport", "PORT"),
    ("listen", "ADDRESS[:PORT]"),
    ("real-server", "ADDRESS[:PORT]"),
    ("weight", "WEIGHT"),
    ("pattern", "PATTERN"),
    ("match", "N"),
    ("serveraddr", "ADDRESS[:PORT]"),
    ("client", "ADDRESS[:PORT]"),
];

/// A line of the help that is about a command or an option: its names as they are typed, and what it does.
struct Entry {
    names: Vec<&'static str>,
    help: String,
}

impl Entry {
    /// The names with two dashes, without them.
    fn longs(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.names.iter().filter_map(|name| name.strip_prefix("--"))
    }

    /// The letter, for a command or an option that has one.
    fn short(&self) -> Option<char> {
        let found = self.names.iter().find(|name| !name.starts_with("--"))?;
        found.chars().nth(1)
    }
}

/// The name of the value of a command or option that has one.
fn value_of(long: &str) -> Option<&'static str> {
    let found = VALUES.iter().find(|(name, _)| *name == long);
    let name = found.map_or("VALUE", |(_, value)| *value);
    let has_value = cli::words().any(|(_, word, has_value)| word == long && has_value);
    has_value.then_some(name)
}

/// The part of the help below a heading. A line without names goes on with the one before.
fn entries(heading: &str) -> Vec<Entry> {
    let mut all: Vec<Entry> = Vec::new();
    let below = USAGE.lines().skip_while(|line| *line != heading).skip(1);
    for line in below.take_while(|line| !line.is_empty()) {
        let line = line.trim_start();
        if !line.starts_with('-') {
            if let Some(last) = all.last_mut() {
                last.help.push(' ');
                last.help.push_str(line);
            }
            continue;
        }
        let (names, help) = line.split_once("  ").unwrap_or((line, ""));
        all.push(Entry {
            names: names.split(", ").collect(),
            help: help.trim_start().to_owned(),
        });
    }
    all
}

/// Writes `man8/tcpvsadm.8` and `completions/*` into a folder.
///
/// # Errors
///
/// What the file system says.
pub fn write(folder: &Path) -> Result<()> {
    let manual = folder.join("man8");
    create_dir_all(&manual)?;
    File::create(manual.join("tcpvsadm.8"))?.write_all(page().as_bytes())?;
    let completions = folder.join("completions");
    create_dir_all(&completions)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        generate_to(shell, &mut everything(), "tcpvsadm", &completions)?;
    }
    Ok(())
}

/// All commands and options, for completions only: `tcpvsadm` itself reads them by tables of its own.
fn everything() -> Command {
    let mut all = Command::new("tcpvsadm")
        .about("administers TCP virtual servers, a layer-7 switch in the kernel")
        .disable_help_flag(true)
        .disable_version_flag(true);
    for entry in entries("Commands").iter().chain(&entries("Options")) {
        for long in entry.longs() {
            let mut arg = Arg::new(long).long(long).help(entry.help.clone());
            if let (Some(letter), 1) = (entry.short(), entry.longs().count()) {
                arg = arg.short(letter);
            }
            all = all.arg(match value_of(long) {
                None => arg.action(ArgAction::SetTrue),
                Some(name) => with_value(arg.value_name(name), long),
            });
        }
    }
    all
}

fn with_value(arg: Arg, long: &str) -> Arg {
    match long {
        "scheduler" => arg.value_parser(PossibleValuesParser::new(SCHEDULERS)),
        "load-configfile" => arg.value_hint(ValueHint::FilePath),
        "listen" | "real-server" => arg.value_hint(ValueHint::Hostname),
        _ => arg,
    }
}

/// The manual.
fn page() -> String {
    let version = env!("CARGO_PKG_VERSION");
    let mut page = format!(
        ".\\\" SPDX-License-Identifier: GPL-2.0\n.TH tcpvsadm 8 {DATE} \"tcpvsadm {version}\" \"Linux Virtual Server\"\n"
    );
    let (before, rest) = SECTIONS.split_once(SYNOPSIS).unwrap_or((SECTIONS, ""));
    let (between, after) = rest.split_once(OPTIONS).unwrap_or((rest, ""));
    page.push_str(before);
    page.push_str(".nf\n");
    let lines = USAGE.lines().filter(|line| line.starts_with("  tcpvsadm"));
    for line in lines {
        page.push_str(&escape(line.trim_start()));
        page.push('\n');
    }
    page.push_str(".fi\n");
    page.push_str(between);
    for (heading, title) in [("Commands", "COMMANDS"), ("Options", "OPTIONS")] {
        page.push_str(&format!(".SH {title}\n"));
        for entry in entries(heading) {
            let names: Vec<_> = entry
                .names
                .iter()
                .map(|name| format!("\\fB{}\\fR", escape(name)))
                .collect();
            let value = entry.longs().find_map(value_of);
            let value = value.map_or(String::new(), |value| format!(" \\fI{value}\\fR"));
            page.push_str(&format!(
                ".TP\n{}{value}\n{}\n",
                names.join(", "),
                escape(&entry.help)
            ));
        }
    }
    page.push_str(after);
    page
}

/// As roff has dashes and backslashes.
fn escape(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manual_and_the_completions_name_every_command_and_option() {
        let (page, all) = (page().replace("\\-", "-"), everything());
        for (short, long, has_value) in cli::words() {
            assert!(page.contains(&format!("\\fB--{long}\\fR")), "{long}");
            let found = all.get_arguments().find(|it| it.get_long() == Some(long));
            let found = found.unwrap_or_else(|| panic!("no completion of --{long}"));
            assert_eq!(found.get_short(), short, "--{long}");
            assert_eq!(found.get_action().takes_values(), has_value, "--{long}");
        }
        assert_eq!(all.get_arguments().count(), cli::words().count());
    }

    #[test]
    fn the_manual_has_its_sections() {
        let page = page();
        for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS", "OPTIONS"] {
            assert!(page.contains(&format!(".SH {section}\n")), "{section}");
        }
        for line in page.lines() {
            assert!(!line.starts_with('\''), "{line}");
            assert!(
                !line.starts_with('.')
                    || line.as_bytes()[1].is_ascii_alphabetic()
                    || line.starts_with(".\\\""),
                "{line}"
            );
        }
    }

    /// What the examples of the manual tell to type is understood.
    #[test]
    fn examples_are_commands() {
        let page = page().replace("\\-", "-");
        let examples = page.split(".SH EXAMPLES").nth(1).unwrap_or_default();
        let mut count = 0;
        for line in examples
            .lines()
            .filter(|line| line.starts_with("tcpvsadm "))
        {
            let line = line.split('>').next().unwrap_or_default();
            let words: Vec<_> = line.split_whitespace().skip(1).map(str::to_owned).collect();
            assert!(cli::parse(&words).is_ok(), "{line}");
            count += 1;
        }
        assert!(count > 10);
    }

    /// The schedulers that are completed are the modules that there are.
    #[test]
    fn schedulers_are_modules() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../sched_l7");
        let files = std::fs::read_dir(folder).unwrap();
        let mut found: Vec<_> = files
            .filter_map(|file| {
                let name = file.ok()?.file_name().into_string().ok()?;
                Some(
                    name.strip_prefix("ktcpvs_")?
                        .strip_suffix(".rs")?
                        .to_owned(),
                )
            })
            .collect();
        found.sort();
        let mut named = SCHEDULERS.map(str::to_owned);
        named.sort();
        assert_eq!(found, named);
    }
}
