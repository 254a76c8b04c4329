// SPDX-License-Identifier: GPL-2.0

//! Commands that 1.31 does not have. Their names are words that it refuses, so nothing that worked
//! is taken away.

pub mod author;
pub mod conn;
pub mod drops;
pub mod metrics;
pub mod monitor;
pub mod numbers;
pub mod report;
pub mod saved;
pub mod serve;
pub mod sync;
pub mod top;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::ValueParser;
use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::connections::{protocol_number, Filter, Match};
use crate::error::Failure;
use crate::exit_code::ExitCode;
use crate::options::{Meaning, Takes, OPTIONS};
use crate::session::Session;

/// The names of these commands.
pub const NAMES: [&str; 6] = ["monitor", "top", "metrics", "report", "conn", "sync"];

fn number(name: &'static str, default: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .value_name("N")
        .default_value(default)
        .value_parser(clap::value_parser!(u32).range(1..))
        .help(help)
}

fn switch(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .action(ArgAction::SetTrue)
        .help(help)
}

fn filters(command: Command) -> Command {
    let side = |name: &'static str, help: &'static str| {
        let parser = ValueParser::new(|text: &str| text.parse::<Match>());
        Arg::new(name)
            .long(name)
            .value_name("ADDRESS[:PORT]|PREFIX")
            .value_parser(parser)
            .help(help)
    };
    command
        .arg(
            Arg::new("protocol")
                .long("protocol")
                .value_name("NAME")
                .value_parser(ValueParser::new(protocol_number))
                .help("tcp, udp, sctp, ah, esp or a number"),
        )
        .arg(
            Arg::new("state")
                .long("state")
                .value_name("STATE")
                .value_parser(ValueParser::new(crate::connections::state))
                .help("such as ESTABLISHED; the manual lists them"),
        )
        .arg(side("client", "from this client"))
        .arg(side("service", "to this virtual address"))
        .arg(side("server", "to this real server"))
}

/// A file for saved connections.
fn file(help: &'static str) -> Arg {
    Arg::new("file")
        .value_name("FILE")
        .value_parser(clap::value_parser!(PathBuf))
        .help(help)
}

/// The commands as clap knows them.
pub fn command() -> Command {
    Command::new("ipvsadm")
        .version(env!("CARGO_PKG_VERSION"))
        .about("administers IPVS, the layer-4 load balancer of Linux")
        .subcommand_required(true)
        .subcommand(
            Command::new("monitor")
                .about("follows changes of the table, each as the rule that would make it")
                .arg(number(
                    "interval",
                    "1000",
                    "milliseconds between two looks, where the kernel does not tell of changes",
                ))
                .arg(
                    Arg::new("count")
                        .long("count")
                        .value_name("N")
                        .value_parser(clap::value_parser!(u32).range(1..))
                        .help("end after so many changes, or looks"),
                )
                .arg(switch("json", "one JSON object for each change"))
                .arg(
                    switch(
                        "times",
                        "behind each change, when it was seen and who made it",
                    )
                    .short('t'),
                ),
        )
        .subcommand(
            Command::new("top")
                .about("shows services and servers with their rates, again and again")
                .arg(number("interval", "1000", "milliseconds between two looks"))
                .arg(
                    Arg::new("sort")
                        .long("sort")
                        .value_name("KEY")
                        .value_parser(["bytes", "connections", "active", "name"])
                        .default_value("bytes")
                        .help("the order"),
                )
                .arg(
                    Arg::new("filter")
                        .long("filter")
                        .value_name("TEXT")
                        .help("only services that have this in their name or that of a server"),
                )
                .arg(switch("once", "print one look as text and end"))
                .arg(number("width", "100", "width of that text")),
        )
        .subcommand(
            Command::new("metrics")
                .about("prints counters and gauges for Prometheus")
                .arg(
                    Arg::new("listen")
                        .long("listen")
                        .value_name("ADDRESS:PORT")
                        .value_parser(clap::value_parser!(SocketAddr))
                        .help("answer GET /metrics there, for ever"),
                )
                .arg(
                    Arg::new("sum")
                        .long("sum")
                        .value_name("WHAT")
                        .num_args(0..=1)
                        .value_parser(["service", "all"])
                        .default_missing_value("service")
                        .help("no servers, but the sums of each service; or of all services"),
                ),
        )
        .subcommand(
            Command::new("report")
                .about("writes a page with plots of the table and its rates")
                .arg(number("interval", "1000", "milliseconds between two looks"))
                .arg(number("looks", "30", "so many looks are plotted"))
                .arg(file("where to; standard output if there is none")),
        )
        .subcommand(
            Command::new("conn")
                .about("lists, ends, saves or restores connections")
                .subcommand_required(true)
                .subcommand(
                    filters(Command::new("list").about("lists connections"))
                        .arg(switch("json", "as JSON"))
                        .arg(switch("numeric", "numbers instead of names").short('n')),
                )
                .subcommand(
                    filters(Command::new("flush").about("ends connections"))
                        .arg(switch("all", "all of them, without a filter"))
                        .arg(switch(
                            "dry-run",
                            "show the connections that would be ended, and end none",
                        )),
                )
                .subcommand(
                    Command::new("save")
                        .about("saves all connections")
                        .arg(file("where to; standard output if there is none")),
                )
                .subcommand(
                    Command::new("restore")
                        .about("makes saved connections again")
                        .arg(file("where from; standard input if there is none")),
                ),
        )
        .subcommand(sync::command())
}

/// All that can be typed, for the manual and for completion: these commands and the options.
pub fn everything() -> Command {
    let mut all = command()
        .subcommand_required(false)
        .disable_help_flag(true)
        .disable_version_flag(true);
    for option in OPTIONS {
        let mut arg = Arg::new(option.long).long(option.long).help(option.help);
        if let Some(letter) = option.short {
            arg = arg.short(letter);
        }
        arg = match option.takes {
            Takes::Nothing if option.long == "set" => {
                arg.num_args(3).value_names(["TCP", "TCPFIN", "UDP"])
            }
            Takes::Nothing => arg.action(ArgAction::SetTrue),
            Takes::Value(name) if option.long == "scheduler" => {
                arg.value_name(name).value_parser(crate::remark::SCHEDULERS)
            }
            Takes::Value(name) => arg.value_name(name),
            Takes::Maybe(name) => arg.value_name(name).num_args(0..=1),
        };
        let heading = match option.meaning {
            Meaning::Verb(_) => "COMMANDS",
            Meaning::Flag(_) => "PARAMETERS",
        };
        all = all.arg(arg.help_heading(heading));
    }
    all
}

/// Runs one of these commands.
///
/// # Errors
///
/// What was typed wrong, or does not work.
pub fn run(words: &[String]) -> Result<ExitCode, Failure> {
    let all = std::iter::once("ipvsadm").chain(words.iter().map(String::as_str));
    let matches = match command().try_get_matches_from(all) {
        Ok(matches) => matches,
        Err(error) => {
            let text = error.render().to_string();
            if error.use_stderr() {
                return Err(Failure::usage(text.trim_end()));
            }
            crate::restore::say(&text)?;
            return Ok(ExitCode::Success);
        }
    };
    match matches.subcommand() {
        Some(("monitor", options)) => monitor::run(&mut begin()?, options),
        Some(("top", options)) => top::run(&mut begin()?, options),
        Some(("metrics", options)) => metrics::run(&mut begin()?, options),
        Some(("report", options)) => report::run(&mut begin()?, options),
        Some(("conn", options)) => run_conn(options),
        Some(("sync", options)) => sync::run(begin, options),
        _ => Err(Failure::usage("no such command")),
    }
}

/// Runs a command about connections. What was typed wrong is said before the module is loaded.
fn run_conn(options: &ArgMatches) -> Result<ExitCode, Failure> {
    let path = |options: &ArgMatches| options.get_one::<PathBuf>("file").cloned();
    match options.subcommand() {
        Some(("flush", options)) => {
            let filter = filter(options);
            conn::check_choice(&filter, options.get_flag("all"))?;
            let mut session = begin()?;
            if options.get_flag("dry-run") {
                return conn::would_flush(&mut session, &filter);
            }
            conn::flush(&mut session, &filter)
        }
        Some(("save", options)) => saved::save(begin, path(options).as_deref()),
        Some(("restore", options)) => saved::restore(begin, path(options).as_deref()),
        Some((_, options)) => conn::list(&mut begin()?, &filter(options), options),
        None => Err(Failure::usage("list, flush, save or restore?")),
    }
}

fn begin() -> Result<Session, Failure> {
    Session::begin("ipvsadm")
}

fn filter(options: &ArgMatches) -> Filter {
    let text = |name: &str| options.get_one::<String>(name).cloned();
    let side = |name: &str| options.get_one::<Match>(name).copied();
    Filter {
        protocol: options.get_one::<u16>("protocol").copied(),
        state: text("state"),
        client: side("client"),
        service: side("service"),
        server: side("server"),
    }
}

/// The time between two looks.
fn interval(options: &ArgMatches) -> std::time::Duration {
    let milliseconds = options.get_one::<u32>("interval").copied().unwrap_or(1000);
    std::time::Duration::from_millis(u64::from(milliseconds))
}
