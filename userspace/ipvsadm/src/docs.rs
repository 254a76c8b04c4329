// SPDX-License-Identifier: GPL-2.0

//! The manual and the completions, from the tables that the parsers use.

use std::fs::{create_dir_all, File};
use std::io::{Result, Write};
use std::path::Path;

use clap::Command;
use clap_complete::{generate_to, Shell};
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
/// Completion of what the kernel has, for bash.
const LIVE: &str = include_str!("docs/live.bash");
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
        let path = generate_to(shell, &mut extra::everything(), "ipvsadm", &completions)?;
        if shell == Shell::Bash {
            let mut file = File::options().append(true).open(path)?;
            file.write_all(LIVE.as_bytes())?;
        }
    }
    Ok(())
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
