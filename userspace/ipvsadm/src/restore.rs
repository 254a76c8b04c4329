// SPDX-License-Identifier: GPL-2.0

//! Rules from standard input: each line is a command line of its own.
//!
//! Changes are gathered and sent many at a time, which is told from sending each on its own only by
//! the clock: what fails is reported in the order of the lines, and before what comes after it.

use std::io::{IsTerminal, Write};

use ipvs_netlink::Request;

use crate::cli;
use crate::command::{interpret, Command};
use crate::error::{told, Asked, Failure};
use crate::exit_code::ExitCode;
use crate::names::Services;
use crate::remark;
use crate::session::Session;

/// So many changes are gathered before they are sent.
const GATHERED: usize = 4096;
/// From so many lines on, progress is shown on a terminal.
const LONG: usize = 10_000;

/// A line of a file of rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// Counted from 1.
    pub number: usize,
    /// What it says.
    pub text: &'a str,
}

/// The words of a line, without the name of the program that may stand in front, and without a comment: a word that begins with
/// `#`, and what follows it.
pub fn split(line: &str) -> Vec<String> {
    let line = line.split('\0').next().unwrap_or_default();
    line.split_ascii_whitespace()
        .take_while(|word| !word.starts_with('#'))
        .skip_while(|word| *word == "ipvsadm")
        .map(str::to_owned)
        .collect()
}

/// What a line asks for; [`None`] if it is empty.
///
/// # Errors
///
/// What is wrong with it.
pub fn parse_line(
    program: &str,
    line: &str,
    services: &Services,
) -> Result<Option<Command>, Failure> {
    match cli::parse(program, &split(line), services)? {
        None => Ok(None),
        Some(typed) => match interpret(typed)? {
            Command::Restore(_) => Err(Failure::try_help(program)),
            command => Ok(Some(command)),
        },
    }
}

/// The failure of a line, with its number.
pub fn at(line: Line<'_>, failure: &Failure) -> Failure {
    let message = failure.message.trim_end();
    let text = line.text.trim();
    Failure {
        message: format!("{message} (line {}: {text})", line.number),
        ..failure.clone()
    }
}

/// Carries out the lines, says what fails, and returns the status of the first failure.
pub struct Restore<'a> {
    session: &'a mut Session,
    gathered: Vec<Request>,
    origins: Vec<(Line<'a>, Asked)>,
    status: ExitCode,
    lines: usize,
    progress: bool,
}

impl<'a> Restore<'a> {
    /// A restore in a conversation.
    pub fn new(session: &'a mut Session) -> Self {
        Self {
            session,
            gathered: Vec::new(),
            origins: Vec::new(),
            status: ExitCode::Success,
            lines: 0,
            progress: false,
        }
    }

    /// Carries out all lines.
    ///
    /// # Errors
    ///
    /// If standard output or the kernel is gone.
    pub fn run(mut self, text: &'a str) -> Result<ExitCode, Failure> {
        let services = Services::default();
        self.lines = text.lines().count();
        self.progress = self.lines >= LONG && std::io::stderr().is_terminal();
        for (index, text) in text.lines().enumerate() {
            let line = Line {
                number: index.saturating_add(1),
                text,
            };
            match parse_line(&self.session.program, text, &services) {
                Ok(None) => {}
                Ok(Some(Command::Change(request, asked))) => {
                    self.gathered.push(request);
                    self.origins.push((line, asked));
                    if self.gathered.len() >= GATHERED {
                        self.send()?;
                    }
                }
                Ok(Some(command)) => {
                    self.send()?;
                    match self.session.run(&command) {
                        Ok(text) => say(&text)?,
                        Err(failure) => self.report(&at(line, &failure)),
                    }
                    // As 1.31, which prints these and ends.
                    if matches!(command, Command::Help | Command::Version) {
                        return self.end();
                    }
                }
                Err(failure) => {
                    self.send()?;
                    self.report(&at(line, &failure));
                    if !failure.goes_on {
                        return self.end();
                    }
                }
            }
        }
        self.send()?;
        self.end()
    }

    fn end(self) -> Result<ExitCode, Failure> {
        if self.progress {
            eprint!("\r\x1b[K");
        }
        Ok(self.status)
    }

    fn report(&mut self, failure: &Failure) {
        eprintln!("{}", failure.message);
        if self.status == ExitCode::Success {
            self.status = failure.code;
        }
    }

    /// Sends what was gathered.
    fn send(&mut self) -> Result<(), Failure> {
        let failures = self
            .session
            .client
            .execute_all(&self.gathered)
            .map_err(|error| Failure::kernel(error.to_string()))?;
        for failed in failures {
            if let Some((line, asked)) = self.origins.get(failed.index) {
                let failure = Failure::kernel(told(*asked, failed.errno, failed.why.as_deref()));
                let request = self.gathered.get(failed.index);
                let failure = failure.with_any(
                    request.and_then(|request| remark::request(request, Some(failed.errno))),
                );
                self.report(&at(*line, &failure));
            }
        }
        if let (true, Some((line, _))) = (self.progress, self.origins.last()) {
            eprint!("\r{} of {} rules", line.number, self.lines);
        }
        self.gathered.clear();
        self.origins.clear();
        Ok(())
    }
}

/// Writes to standard output.
///
/// # Errors
///
/// If nobody reads it.
pub fn say(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| Failure::io("standard output", &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_may_begin_with_the_name_of_the_program() {
        assert_eq!(
            split("ipvsadm -A  -t\t10.0.0.1:80\r"),
            ["-A", "-t", "10.0.0.1:80"]
        );
        assert_eq!(split("  ipvsadm "), [""; 0]);
        assert_eq!(split("-L\0-n"), ["-L"]);
        assert_eq!(split("# -C"), [""; 0]);
        assert_eq!(split("-D -f 7 # no more"), ["-D", "-f", "7"]);
    }

    #[test]
    fn restoring_inside_a_restore_is_refused() {
        let services = Services::parse("");
        assert!(parse_line("ipvsadm", "-R", &services).is_err());
        assert_eq!(parse_line("ipvsadm", "   ", &services), Ok(None));
    }
}
