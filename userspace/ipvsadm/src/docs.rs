// SPDX-License-Identifier: GPL-2.0

//! The manual and the completions, from the tables that the parsers use.

use std::fs::{create_dir_all, File};
use std::io::{Result, Write};
use std::path::Path;

use clap::Command;
use clap_complete::{generate, Generator, Shell};
use clap_mangen::Man;

use crate::extra;

/// What the pages say before and after their options.
const SECTIONS: &str = include_str!("docs/sections.man");
const MONITOR: &str = include_str!("docs/monitor.man");
const TOP: &str = include_str!("docs/top.man");
const METRICS: &str = include_str!("docs/metrics.man");
const REPORT: &str = include_str!("docs/report.man");
const CONN: &str = include_str!("docs/conn.man");
const SYNC: &str = include_str!("docs/sync.man");
/// Completion of what the kernel has.
const LIVE_BASH: &str = include_str!("docs/live.bash");
const LIVE_ZSH: &str = include_str!("docs/live.zsh");
const LIVE_FISH: &str = include_str!("docs/live.fish");
/// The options behind which it stands: the long one, and what `ipvsadm -S` calls it.
const LIVE_OPTIONS: [(&str, &str); 5] = [
    ("tcp-service", "-t"),
    ("udp-service", "-u"),
    ("sctp-service", "--sctp-service"),
    ("fwmark-service", "-f"),
    ("real-server", "-r"),
];
/// How clap's function for fish reads the line.
const PARSED: &str = "    argparse -s (__fish_ipvsadm_global_optspecs) -- $cmd 2>/dev/null\n";
const HALF: &str = "    or set -e cmd[-1]\n";
/// Where the options go.
const OPTIONS: &str = ".\\\" OPTIONS\n";
/// When the pages were last changed.
const DATE: &str = "2026-11-29";
/// The pages of the small programs.
const SAVE: &str = include_str!("docs/ipvsadm-save.8");
const RESTORE: &str = include_str!("docs/ipvsadm-restore.8");

/// Writes `man8/*.8` and `completions/*` into a folder.
///
/// # Errors
///
/// What the file system says.
pub fn write(folder: &Path) -> Result<()> {
    let manual = folder.join("man8");
    create_dir_all(&manual)?;
    for (name, text) in pages()? {
        File::create(manual.join(name))?.write_all(&text)?;
    }
    let completions = folder.join("completions");
    create_dir_all(&completions)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        let path = completions.join(shell.file_name("ipvsadm"));
        File::create(path)?.write_all(completion(shell).as_bytes())?;
    }
    Ok(())
}

/// What a shell is told, and what it asks the kernel for.
fn completion(shell: Shell) -> String {
    let mut text = Vec::new();
    generate(shell, &mut extra::everything(), "ipvsadm", &mut text);
    let text = String::from_utf8_lossy(&text);
    match shell {
        Shell::Bash => format!("{text}{LIVE_BASH}"),
        Shell::Fish => format!("{}{LIVE_FISH}", half_typed(&text)),
        Shell::Zsh => live_zsh(&text),
        _ => text.into_owned(),
    }
}

/// For fish: an option whose value is being typed counts as not typed yet. Clap's function takes it for a mistake, and completes nothing.
fn half_typed(text: &str) -> String {
    text.replacen(PARSED, &format!("{PARSED}{HALF}{PARSED}"), 1)
}

/// The function for zsh, before the one that uses it; and in that, behind the options that take services and servers.
fn live_zsh(text: &str) -> String {
    let (head, rest) = text.split_once("\n\n_ipvsadm() {").unwrap_or((text, ""));
    let mut out = format!("{head}\n{LIVE_ZSH}\n_ipvsadm() {{");
    for line in rest.split_inclusive('\n') {
        let live = LIVE_OPTIONS.iter().find(|(long, short)| {
            let begins = |option: String| line.starts_with(&option);
            begins(format!("'--{long}=[")) || begins(format!("'{short}+["))
        });
        match (live, line.rsplit_once(":_default'")) {
            // The space: the function makes the headline by itself.
            (Some((_, option)), Some((before, after))) => {
                out.push_str(&format!("{before}: _ipvsadm_live {option}'{after}"));
            }
            _ => out.push_str(line),
        }
    }
    out
}

/// The files of the manual, with their text.
fn pages() -> Result<Vec<(String, Vec<u8>)>> {
    let everything = extra::everything();
    let mut all = extra::command();
    all.build();
    let mut pages = vec![
        (
            "ipvsadm.8".to_owned(),
            page("ipvsadm", &everything, &everything, SECTIONS)?,
        ),
        ("ipvsadm-save.8".to_owned(), SAVE.into()),
        ("ipvsadm-restore.8".to_owned(), RESTORE.into()),
    ];
    for (name, sections) in [
        ("monitor", MONITOR),
        ("top", TOP),
        ("metrics", METRICS),
        ("report", REPORT),
        ("conn", CONN),
        ("sync", SYNC),
    ] {
        let command = all.find_subcommand(name).unwrap_or(&all);
        // Its first command has all options that the others have.
        let first = command.get_subcommands().next().unwrap_or(command);
        let name = format!("ipvsadm-{name}");
        let text = page(&name, command, first, sections)?;
        pages.push((format!("{name}.8"), text));
    }
    Ok(pages)
}

/// A page: its head by one command, options by another, the rest by hand.
fn page(title: &str, head: &Command, options: &Command, sections: &str) -> Result<Vec<u8>> {
    let man = |command: &Command| {
        let man = Man::new(command.clone()).title(title).section("8");
        man.source(concat!("ipvsadm ", env!("CARGO_PKG_VERSION")))
            .date(DATE)
            .manual("Linux Virtual Server")
    };
    let mut page = Vec::new();
    man(head).render_title(&mut page)?;
    man(head).render_name_section(&mut page)?;
    let (before, after) = sections.split_once(OPTIONS).unwrap_or((sections, ""));
    page.write_all(before.as_bytes())?;
    let mut listed = Vec::new();
    man(options).render_options_section(&mut listed)?;
    // clap_mangen breaks the line twice before the values of an option: that is a space between paragraphs.
    let listed = String::from_utf8_lossy(&listed).replace(".br\n\n.br\n", ".sp\n");
    page.write_all(listed.as_bytes())?;
    page.write_all(after.as_bytes())?;
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shells_complete_what_the_kernel_has() {
        let (bash, zsh, fish) = (
            completion(Shell::Bash),
            completion(Shell::Zsh),
            completion(Shell::Fish),
        );
        for (long, short) in LIVE_OPTIONS {
            let known = match short.strip_prefix("--") {
                Some(_) => format!("    {short}) option={short}"),
                None if short == "-r" => "    -r | --real-server) servers=yes".to_owned(),
                None => format!("    {short} | --{long}) option={short}"),
            };
            assert!(bash.contains(&known), "{known}");

            let lines = zsh.lines().filter(|line| {
                let is = |option: &str| line.starts_with(option);
                is(&format!("'--{long}=")) || is(&format!("'{short}+"))
            });
            let live = format!(": _ipvsadm_live {short}' \\");
            let found: Vec<_> = lines.map(|line| line.ends_with(&live)).collect();
            let expected = if short.starts_with("--") { 1 } else { 2 };
            assert_eq!(found, vec![true; expected], "{long}");

            let asked = match short {
                "-r" => "(__fish_ipvsadm_servers)".to_owned(),
                _ => format!("(__fish_ipvsadm_services {short})"),
            };
            let is_live = |line: &str| {
                line.contains(&format!("-l {long} -x")) && line.ends_with(&format!("\"{asked}\""))
            };
            assert_eq!(
                fish.lines().filter(|line| is_live(line)).count(),
                1,
                "{long}"
            );
        }
        assert!(fish.contains(&format!("{PARSED}{HALF}{PARSED}    or return\n")));
        // Once as a whole: the function is there before it is needed, and what was there before is there still.
        assert_eq!(zsh.matches("\n_ipvsadm_live() {").count(), 1);
        assert_eq!(zsh.matches("\n_ipvsadm() {").count(), 1);
        assert!(zsh.starts_with("#compdef ipvsadm\n"));
        assert!(zsh.find("_ipvsadm_live() {") < zsh.find("\n_ipvsadm() {"));
        assert!(zsh.ends_with("compdef _ipvsadm ipvsadm\nfi\n"));
    }

    #[test]
    fn shells_complete_schedulers() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let text = completion(shell).replace(r"\t''", " ").replace('\n', " ");
            let names = crate::remark::SCHEDULERS.join(" ");
            assert!(
                text.split_whitespace()
                    .collect::<Vec<_>>()
                    .join(" ")
                    .contains(&names),
                "{shell}"
            );
        }
    }

    /// The text of a page.
    fn text(name: &str) -> String {
        let (_, text) = pages()
            .unwrap()
            .into_iter()
            .find(|(page, _)| page == name)
            .unwrap();
        String::from_utf8(text).unwrap().replace("\\-", "-")
    }

    #[test]
    fn the_manual_names_every_option() {
        let page = text("ipvsadm.8");
        for option in crate::options::OPTIONS {
            assert!(
                page.contains(&format!("--{}", option.long)),
                "{}",
                option.long
            );
        }
        for section in ["SYNOPSIS", "EXAMPLES", "DIFFERENCES", "EXIT STATUS"] {
            assert!(page.contains(&format!(".SH {section}")), "{section}");
        }
    }

    #[test]
    fn each_command_has_a_page_with_its_options() {
        let all = extra::command();
        for command in all.get_subcommands() {
            let page = text(&format!("ipvsadm-{}.8", command.get_name()));
            let leaves = command.get_subcommands().chain([command]);
            for option in leaves.flat_map(Command::get_arguments) {
                let long = option.get_long().unwrap_or_default();
                assert!(page.contains(&format!("--{long}")), "{long}");
            }
            for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "EXAMPLES", "SEE ALSO"] {
                assert!(page.contains(&format!(".SH {section}")), "{section}");
            }
        }
    }

    /// What the examples of the manual tell to type is understood.
    #[test]
    fn examples_are_commands() {
        for (name, page) in pages().unwrap() {
            let page = String::from_utf8(page).unwrap().replace("\\-", "-");
            let examples = page.split(".SH EXAMPLES").nth(1).unwrap_or_default();
            for line in examples.lines() {
                let line = line.split_once("# ").map_or(line, |(_, command)| command);
                let line = line.split(['|', '<', '>']).next().unwrap_or_default();
                let mut words = line.split_whitespace();
                if words.next() != Some("ipvsadm") {
                    continue;
                }
                let words: Vec<String> = words.map(str::to_owned).collect();
                let first = words.first().map_or("", String::as_str);
                if extra::NAMES.contains(&first) {
                    let typed = std::iter::once("ipvsadm").chain(words.iter().map(String::as_str));
                    let found = extra::command().try_get_matches_from(typed);
                    assert!(found.is_ok(), "{name}: {line}: {found:?}");
                } else {
                    let services = crate::names::Services::parse("");
                    let typed = crate::cli::parse("ipvsadm", &words, &services).unwrap();
                    let meant = crate::command::interpret(typed.unwrap());
                    assert!(meant.is_ok(), "{name}: {line}: {meant:?}");
                }
            }
        }
    }
}
