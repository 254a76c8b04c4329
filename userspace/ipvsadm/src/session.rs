// SPDX-License-Identifier: GPL-2.0

//! One conversation with the kernel: commands carried out.

use std::io::{BufRead, BufReader, BufWriter, StdoutLock, Write};

use ipvs_netlink::{Client, Dest, Error, Info, Request, Service, ServiceKey};

use crate::command::{Command, Listing, What};
use crate::connections;
use crate::error::{sentence, Asked, Failure};
use crate::names::Names;
use crate::print::{self, json, rules::Rules, table::Table};
use crate::remark;

/// The program that loads kernel modules.
const MODPROBE: &str = "modprobe";

/// A conversation.
pub struct Session {
    /// What the program is called.
    pub program: String,
    /// The kernel.
    pub client: Client,
    info: Info,
}

impl Session {
    /// Begins a conversation, for which the module is loaded if it is not there.
    ///
    /// # Errors
    ///
    /// If there is no IPVS, or one may not talk to it.
    pub fn begin(program: &str) -> Result<Self, Failure> {
        Self::connect(program).map_err(|error| Failure::no_ipvs(&error))
    }

    fn connect(program: &str) -> Result<Self, Error> {
        let mut client = match Client::connect() {
            Err(Error::NoFamily) => {
                // Whether that worked is seen by what comes next.
                let _ = std::process::Command::new(MODPROBE)
                    .args(["-q", "ip_vs"])
                    .status();
                Client::connect()?
            }
            other => other?,
        };
        let info = client.info()?;
        Ok(Self {
            program: program.to_owned(),
            client,
            info,
        })
    }

    /// The text that answers a command, which is no restore.
    ///
    /// # Errors
    ///
    /// What the kernel refuses.
    pub fn run(&mut self, command: &Command) -> Result<String, Failure> {
        match command {
            Command::Help => Ok(print::usage(&self.program, Some(&self.info))),
            Command::Version => Ok(print::version(Some(&self.info))),
            Command::Change(request, asked) => self.change(request, *asked),
            Command::List(listing) => self.list(listing),
            Command::Save { numeric } => self.save(*numeric),
            Command::Restore(_) => Err(Failure::try_help(&self.program)),
        }
    }

    fn change(&mut self, request: &Request, asked: Asked) -> Result<String, Failure> {
        match self.client.execute(request) {
            Ok(()) => Ok(String::new()),
            Err(error) => Err(Failure::kernel(sentence(asked, &error))
                .with_any(remark::request(request, error.errno()))),
        }
    }

    /// Services with their servers: all, or one.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn table(
        &mut self,
        key: Option<&ServiceKey>,
        sorted: bool,
    ) -> Result<Vec<(Service, Vec<Dest>)>, Error> {
        let mut services = match key {
            Some(key) => vec![self.client.service(key)?],
            None => self.client.services()?,
        };
        if sorted {
            print::sort_services(&mut services);
        }
        let mut table = Vec::with_capacity(services.len());
        for service in services {
            let mut dests = self.client.dests(&service.key)?;
            if sorted {
                print::sort_dests(&mut dests);
            }
            table.push((service, dests));
        }
        Ok(table)
    }

    fn list(&mut self, listing: &Listing) -> Result<String, Failure> {
        self.listing(listing)
            .map_err(|error| Failure::listing(&error))
    }

    fn listing(&mut self, listing: &Listing) -> Result<String, Error> {
        let names = Names::new(listing.numeric || listing.json);
        match listing.what {
            What::Timeouts => {
                let times = self.client.timeouts()?;
                let show = if listing.json {
                    json::timeouts
                } else {
                    print::timeouts
                };
                Ok(show(&times))
            }
            What::Daemons => {
                let daemons = self.client.daemons()?;
                if !listing.json {
                    return Ok(print::daemons(&daemons));
                }
                let state = match self.client.has_additions() {
                    true => Some(self.client.sync_state()?),
                    false => None,
                };
                Ok(json::daemons(&daemons, state.as_ref()))
            }
            What::Connections { engines } => {
                let list = connections();
                if listing.json {
                    return Ok(json::connections(&list));
                }
                let mut out = print::connections::header(engines).to_owned();
                for one in &list {
                    out.push_str(&print::connections::line(&names, one, engines));
                }
                Ok(out)
            }
            What::Services(key, view) => {
                let info = self.client.info()?;
                let table = self.table(key.as_ref(), listing.sorted)?;
                if listing.json {
                    return Ok(json::services(&info, &table));
                }
                let shown = Table {
                    names: &names,
                    view,
                    exact: listing.exact,
                };
                let mut out = String::new();
                if key.is_none() {
                    out.push_str(&Table::version_line(&info));
                }
                out.push_str(shown.header());
                print::put_table(&mut out, &shown, &table);
                Ok(out)
            }
        }
    }

    fn save(&mut self, numeric: bool) -> Result<String, Failure> {
        let table = self
            .table(None, true)
            .map_err(|error| Failure::listing(&error))?;
        let names = &Names::new(numeric);
        let mut out = String::new();
        print::put_table(&mut out, &Rules { names }, &table);
        Ok(out)
    }
}

/// Prints the kernel's list of connections as JSON, each as soon as it is read: the list may be longer than memory is.
///
/// # Errors
///
/// That nobody reads it.
pub fn stream_connections() -> Result<(), Failure> {
    let mut out = Stream::begin()?;
    if let Ok(file) = std::fs::File::open(connections::FILE) {
        for line in BufReader::new(file).split(b'\n').skip(1) {
            let line = line.map_err(|error| Failure::io(connections::FILE, &error))?;
            if let Some(one) = connections::line(&String::from_utf8_lossy(&line)) {
                out.put(&one)?;
            }
        }
    }
    out.end()
}

/// A list of connections as JSON that is being printed.
pub struct Stream {
    out: BufWriter<StdoutLock<'static>>,
    is_first: bool,
}

impl Stream {
    fn failed(error: &std::io::Error) -> Failure {
        Failure::io("standard output", error)
    }

    /// Begins it.
    ///
    /// # Errors
    ///
    /// That nobody reads it; as all others.
    pub fn begin() -> Result<Self, Failure> {
        let mut out = BufWriter::new(std::io::stdout().lock());
        let begun = out.write_all(b"{\n  \"connections\": [");
        begun.map_err(|error| Self::failed(&error))?;
        let is_first = true;
        Ok(Self { out, is_first })
    }

    /// Adds a connection, on a line of its own.
    ///
    /// # Errors
    ///
    /// As [`begin`](Self::begin).
    pub fn put(&mut self, one: &connections::Connection) -> Result<(), Failure> {
        let between = if self.is_first { "\n    " } else { ",\n    " };
        self.is_first = false;
        write!(self.out, "{between}{}", json::connection(one)).map_err(|error| Self::failed(&error))
    }

    /// Ends it.
    ///
    /// # Errors
    ///
    /// As [`begin`](Self::begin).
    pub fn end(mut self) -> Result<(), Failure> {
        let end: &[u8] = if self.is_first {
            b"]\n}\n"
        } else {
            b"\n  ]\n}\n"
        };
        let ended = self.out.write_all(end).and_then(|()| self.out.flush());
        ended.map_err(|error| Self::failed(&error))
    }
}

/// The connections that there are; none if the kernel keeps no list.
pub fn connections() -> Vec<connections::Connection> {
    let text = std::fs::read(connections::FILE).unwrap_or_default();
    connections::parse(&String::from_utf8_lossy(&text))
}
