// SPDX-License-Identifier: GPL-2.0

//! The manual and the completions, from the tables that the parsers use.

use std::fs::{create_dir_all, File};
use std::io::{Result, Write};
use std::path::Path;

use clap::Command;
use clap_complete::{generate_to, Shell};
use clap_mangen::Man;

use crate::extra;

/// What the manual says beyond the options.
const SECTIONS: &str = include_str!("docs/sections.man");
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
    let mut page = File::create(manual.join("ipvsadm.8"))?;
    page.write_all(&ipvsadm()?)?;
    for (name, text) in [("ipvsadm-save.8", SAVE), ("ipvsadm-restore.8", RESTORE)] {
        File::create(manual.join(name))?.write_all(text.as_bytes())?;
    }
    for command in leaves() {
        let name = format!("ipvsadm-{}.8", command.get_name());
        let mut page = File::create(manual.join(&name))?;
        let title = format!("ipvsadm-{}", command.get_name());
        Man::new(command)
            .title(title)
            .section("8")
            .render(&mut page)?;
    }
    let completions = folder.join("completions");
    create_dir_all(&completions)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        generate_to(shell, &mut extra::everything(), "ipvsadm", &completions)?;
    }
    Ok(())
}

/// The page of the program: its head and options from the tables, the rest by hand.
fn ipvsadm() -> Result<Vec<u8>> {
    let man = Man::new(extra::everything()).title("ipvsadm").section("8");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    let (synopsis, rest) = SECTIONS
        .split_once(".\\\" OPTIONS\n")
        .unwrap_or((SECTIONS, ""));
    page.write_all(synopsis.as_bytes())?;
    man.render_options_section(&mut page)?;
    page.write_all(rest.as_bytes())?;
    Ok(page)
}

/// The commands that have pages of their own.
fn leaves() -> Vec<Command> {
    let mut all = extra::command();
    all.build();
    all.get_subcommands()
        .filter(|one| one.get_name() != "help")
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manual_names_every_option() {
        let page = String::from_utf8(ipvsadm().unwrap())
            .unwrap()
            .replace("\\-", "-");
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
}
