// SPDX-License-Identifier: GPL-2.0

//! The programs: ipvsadm, ipvsadm-save and ipvsadm-restore.

use std::io::Read;

use ipvs_netlink::Client;

use crate::atomic;
use crate::cli;
use crate::command::{interpret, Command, How, Listing, What};
use crate::error::Failure;
use crate::exit_code::ExitCode;
use crate::extra;
use crate::names::Services;
use crate::options::Verb;
use crate::print;
use crate::restore::{say, Restore};
use crate::session::{self, Session};

/// The words of the command line: the name of the program, and the others.
fn words() -> (String, Vec<String>) {
    let mut words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    (
        words.next().unwrap_or_else(|| "ipvsadm".to_owned()),
        words.collect(),
    )
}

/// Says what went wrong; the status of the process.
fn finish(outcome: Result<ExitCode, Failure>) -> ExitCode {
    match outcome {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("{}", failure.message);
            failure.code
        }
    }
}

/// Standard input to its end.
fn input() -> Result<String, Failure> {
    let mut bytes = Vec::new();
    std::io::stdin()
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::io("standard input", &error))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// `ipvsadm`
pub fn ipvsadm() -> ExitCode {
    let (program, words) = words();
    finish(run(&program, &words))
}

fn run(program: &str, words: &[String]) -> Result<ExitCode, Failure> {
    if words
        .first()
        .is_some_and(|word| extra::NAMES.contains(&word.as_str()))
    {
        return extra::run(words);
    }
    // Without the module, and without rights.
    if let Some(verb) = cli::asks_for_words(words) {
        let info = Client::connect().and_then(|mut client| client.info()).ok();
        let text = match verb {
            Verb::Help => print::usage(program, info.as_ref()),
            _ => print::version(info.as_ref()),
        };
        say(&text)?;
        return Ok(ExitCode::Success);
    }
    // As 1.31, which talks to the kernel before it looks at what was typed.
    let mut session = Session::begin(program)?;
    let command = match cli::parse(program, words, &Services::default())? {
        Some(typed) => interpret(typed)?,
        None => Command::List(Listing::default()),
    };
    match command {
        Command::Restore(How::EachLine) => Restore::new(&mut session).run(&input()?),
        Command::Restore(How::Atomic(others)) => {
            atomic::run(&mut session, &input()?, false, others)
        }
        Command::Restore(How::DryRun(others)) => atomic::run(&mut session, &input()?, true, others),
        Command::List(Listing {
            what: What::Connections { .. },
            json: true,
            ..
        }) => {
            session::stream_connections()?;
            Ok(ExitCode::Success)
        }
        command => {
            say(&session.run(&command)?)?;
            Ok(ExitCode::Success)
        }
    }
}

/// `ipvsadm-save`
pub fn save() -> ExitCode {
    let (program, words) = words();
    let name = program.rsplit('/').next().unwrap_or(&program);
    if words
        .iter()
        .any(|word| word.starts_with('-') && word != "-n")
    {
        eprintln!("{name}: Script to save the IPVS table to stdout.");
        eprintln!("   With the -n option, prints out the table in numeric format.");
        return ExitCode::Listing;
    }
    let numeric = words.iter().any(|word| word == "-n");
    finish(Session::begin("ipvsadm").and_then(|mut session| {
        say(&session.run(&Command::Save { numeric })?)?;
        Ok(ExitCode::Success)
    }))
}

/// `ipvsadm-restore`
pub fn restore() -> ExitCode {
    finish(input().and_then(|text| {
        // A comment keeps its line, so that the others keep their numbers.
        let rules: String = text
            .lines()
            .map(|line| {
                if line.starts_with('#') {
                    "\n".to_owned()
                } else {
                    format!("{line}\n")
                }
            })
            .collect();
        let mut session = Session::begin("ipvsadm")?;
        session.run(&Command::Change(
            ipvs_netlink::Request::Flush,
            crate::error::Asked::Other,
        ))?;
        Restore::new(&mut session).run(&rules)
    }))
}
