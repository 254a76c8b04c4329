// SPDX-License-Identifier: GPL-2.0

//! What was typed: each option checked on its own, in the order in which 1.31 does, so that the
//! first mistake is the one that is named.

use ipvs_netlink::{Addr, DaemonRole, Family, Method, Netmask, ServiceKey, ServiceSettings};

use crate::address::{self, number, Endpoint};
use crate::error::Failure;
use crate::lexer::{Lexer, Token};
use crate::names::{Protocol, Services};
use crate::options::{group_of, Flag, Meaning, Verb};
use crate::remark;

/// The longest time of persistence and of timeouts, in seconds: 31 days.
pub const TIMEOUT_MAX: u32 = 31 * 24 * 60 * 60;
/// The time of persistence if none is given, in seconds.
pub const PERSISTENCE_DEFAULT: u32 = 360;

/// The options of a command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typed {
    /// The command.
    pub verb: Verb,
    /// The flags, in their order.
    pub flags: Vec<Flag>,
    /// The words that are no options.
    pub words: Vec<String>,
    /// `--start-daemon`, `--stop-daemon`
    pub role: Option<DaemonRole>,
    /// `-t`, `-u`, `--sctp-service`, `-f`
    pub service: Option<ServiceKey>,
    /// `-s`
    pub scheduler: Option<String>,
    /// `-p`
    pub persistent: Option<u32>,
    /// `-M`
    pub netmask: Option<Netmask>,
    /// `--pe`
    pub pe: Option<String>,
    /// `-b`
    pub sched_flags: Option<String>,
    /// `-r`
    pub server: Option<Endpoint>,
    /// `-g`, `-i`, `-m`
    pub method: Option<Method>,
    /// `-w`
    pub weight: Option<u32>,
    /// `-x`
    pub upper: Option<u32>,
    /// `-y`
    pub lower: Option<u32>,
    /// `--tun-type`
    pub tunnel: Option<TunnelType>,
    /// `--tun-port`
    pub tunnel_port: Option<u16>,
    /// `--mcast-interface`
    pub interface: Option<String>,
    /// `--syncid`
    pub sync_id: Option<u32>,
    /// `--sync-maxlen`
    pub max_len: Option<u16>,
    /// `--mcast-group`
    pub group: Option<(Family, Addr)>,
    /// `--mcast-port`
    pub mcast_port: Option<u16>,
    /// `--mcast-ttl`
    pub ttl: Option<u8>,
}

/// A kind of tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TunnelType {
    /// IP in IP.
    Ipip,
    /// Generic UDP encapsulation.
    Gue,
    /// Generic routing encapsulation.
    Gre,
}

impl TunnelType {
    /// What it is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ipip => "ipip",
            Self::Gue => "gue",
            Self::Gre => "gre",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::Ipip, Self::Gue, Self::Gre]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

/// Whether the first command is one for which the kernel is not asked: the usage, or the version.
pub fn asks_for_words(words: &[String]) -> Option<Verb> {
    let first = Lexer::new(words).find(|token| !matches!(token, Ok(Token::Word(_))));
    match first? {
        Ok(Token::Option { option, .. }) => match option.meaning {
            Meaning::Verb(verb @ (Verb::Help | Verb::Version)) => Some(verb),
            _ => None,
        },
        _ => None,
    }
}

/// Reads the words behind the name of the program; [`None`] without any.
///
/// # Errors
///
/// The first mistake.
pub fn parse(
    program: &str,
    words: &[String],
    services: &Services,
) -> Result<Option<Typed>, Failure> {
    if words.is_empty() {
        return Ok(None);
    }
    let mut lexer = Lexer::new(words);
    let mut others = Vec::new();
    // Words may come before the command, other options may not.
    let (verb, value) = loop {
        match lexer.next() {
            Some(Ok(Token::Word(word))) => others.push(word),
            Some(Ok(Token::Option { option, value, .. })) => match option.meaning {
                Meaning::Verb(verb) => break (verb, value),
                Meaning::Flag(_) => {
                    let remark = remark::before_command(&format!("--{}", option.long));
                    return Err(Failure::try_help(program).with(remark));
                }
            },
            Some(Err(error)) => {
                let remark = remark::option(&error.word);
                return Err(Failure::try_help(program).with_any(remark));
            }
            None => {
                let remark = others.first().and_then(|word| remark::option(word));
                return Err(Failure::try_help(program).with_any(remark));
            }
        }
    };
    let mut typed = Typed::new(verb, others);
    match (verb, value.as_deref()) {
        // What follows does not matter.
        (Verb::Help | Verb::Version, _) => return Ok(Some(typed)),
        (Verb::StartDaemon, state) => {
            typed.role = Some(role(state, "illegal start-daemon parameter specified")?);
        }
        (Verb::StopDaemon, state) => {
            typed.role = Some(role(state, "illegal start_daemon specified")?);
        }
        _ => {}
    }
    for token in lexer {
        let token = token.map_err(|error| {
            let remark = remark::option(&error.word);
            Failure::option(error).with_any(remark)
        });
        match token? {
            Token::Word(word) => typed.words.push(word),
            Token::Option {
                option,
                value,
                word,
            } => match option.meaning {
                Meaning::Verb(_) => {
                    return Err(Failure::usage(format!("invalid option `{word}'")));
                }
                Meaning::Flag(flag) => typed.add(flag, value.as_deref(), services)?,
            },
        }
    }
    Ok(Some(typed))
}

fn role(state: Option<&str>, message: &str) -> Result<DaemonRole, Failure> {
    match state {
        Some("master") => Ok(DaemonRole::Master),
        Some("backup") => Ok(DaemonRole::Backup),
        other => Err(Failure::usage(message).with(remark::none_of(
            other.unwrap_or_default(),
            ["master", "backup"],
        ))),
    }
}

/// A number, or the message that 1.31 has for a wrong one.
fn checked(text: &str, min: u32, max: u32, what: &str) -> Result<u32, Failure> {
    number(text, min, max).ok_or_else(|| {
        Failure::usage(format!("illegal {what} specified"))
            .with(remark::out_of_range(text, min, max))
    })
}

/// A number that fits by its range.
fn small<T: TryFrom<u32>>(text: &str, min: u32, max: u32, what: &str) -> Result<T, Failure> {
    T::try_from(checked(text, min, max, what)?)
        .map_err(|_| Failure::usage(format!("illegal {what} specified")))
}

impl Typed {
    fn new(verb: Verb, words: Vec<String>) -> Self {
        Self {
            verb,
            flags: Vec::new(),
            words,
            role: None,
            service: None,
            scheduler: None,
            persistent: None,
            netmask: None,
            pe: None,
            sched_flags: None,
            server: None,
            method: None,
            weight: None,
            upper: None,
            lower: None,
            tunnel: None,
            tunnel_port: None,
            interface: None,
            sync_id: None,
            max_len: None,
            group: None,
            mcast_port: None,
            ttl: None,
        }
    }

    /// Whether a flag was given.
    pub fn has(&self, flag: Flag) -> bool {
        self.flags.contains(&flag)
    }

    /// The family of the service.
    pub fn family(&self) -> Family {
        self.service.map_or(Family::V4, |key| key.family())
    }

    fn add(&mut self, flag: Flag, value: Option<&str>, services: &Services) -> Result<(), Failure> {
        if let Some((name, group)) = group_of(flag) {
            if self.flags.iter().any(|given| group.contains(given)) {
                return Err(Failure::usage(format!(
                    "multiple '{name}' options specified"
                )));
            }
            self.flags.push(flag);
        }
        let text = value.unwrap_or_default();
        match flag {
            Flag::Tcp => self.set_service(Protocol::Tcp, text, services)?,
            Flag::Udp => self.set_service(Protocol::Udp, text, services)?,
            Flag::Sctp => self.set_service(Protocol::Sctp, text, services)?,
            Flag::Mark => {
                let mark = number(text, 1, u32::MAX).ok_or_else(|| {
                    Failure::usage(format!("invalid fwmark value `{text}' specified"))
                        .with(remark::out_of_range(text, 1, u32::MAX))
                })?;
                self.service = Some(ServiceKey::Mark {
                    family: Family::V4,
                    mark,
                });
            }
            Flag::Ipv6 => match self.service {
                Some(ServiceKey::Mark { mark, .. }) => {
                    self.service = Some(ServiceKey::Mark {
                        family: Family::V6,
                        mark,
                    });
                    self.netmask = None;
                }
                _ => return Err(Failure::usage("-6 must follow -f\n")),
            },
            Flag::Scheduler => self.scheduler = Some(text.to_owned()),
            Flag::Persistent => {
                self.persistent = Some(match value {
                    Some(text) => timeout(text, 1)?,
                    None => PERSISTENCE_DEFAULT,
                });
            }
            Flag::Netmask => self.netmask = Some(self.read_netmask(text, services)?),
            Flag::Pe => self.pe = Some(text.to_owned()),
            Flag::SchedFlags => self.sched_flags = Some(text.to_owned()),
            Flag::RealServer => self.server = Some(self.read_server(text, services)?),
            Flag::Gatewaying => self.method = Some(Method::DirectRoute),
            Flag::Ipip => self.method = Some(Method::Tunnel),
            Flag::Masquerading => self.method = Some(Method::Nat),
            _ => self.add_number(flag, text)?,
        }
        Ok(())
    }

    fn add_number(&mut self, flag: Flag, text: &str) -> Result<(), Failure> {
        const MAX: u32 = i32::MAX as u32;
        const PORT_MAX: u32 = u16::MAX as u32;
        match flag {
            Flag::Weight => self.weight = Some(checked(text, 0, MAX, "weight")?),
            Flag::UpperThreshold => self.upper = Some(checked(text, 0, MAX, "u_threshold")?),
            Flag::LowerThreshold => self.lower = Some(checked(text, 0, MAX, "l_threshold")?),
            Flag::TunType => {
                let kind = TunnelType::from_name(text);
                let wrong = || {
                    Failure::usage("illegal tunnel type specified")
                        .with(remark::none_of(text, ["ipip", "gue", "gre"]))
                };
                self.tunnel = Some(kind.ok_or_else(wrong)?);
            }
            Flag::TunPort => self.tunnel_port = Some(small(text, 1, PORT_MAX, "tunnel port")?),
            Flag::McastInterface => self.interface = Some(text.to_owned()),
            Flag::SyncId => self.sync_id = Some(checked(text, 0, 255, "syncid")?),
            // A datagram of IPv4.
            Flag::SyncMaxLen => self.max_len = Some(small(text, 1, 65507, "sync-maxlen")?),
            Flag::McastGroup => self.group = Some(group(text)?),
            Flag::McastPort => self.mcast_port = Some(small(text, 1, PORT_MAX, "mcast-port")?),
            Flag::McastTtl => self.ttl = Some(small(text, 1, 255, "mcast-ttl")?),
            _ => {}
        }
        Ok(())
    }

    fn set_service(
        &mut self,
        protocol: Protocol,
        text: &str,
        services: &Services,
    ) -> Result<(), Failure> {
        let found =
            address::endpoint(text, Some(protocol), services).ok_or_else(|| {
                Failure::usage("illegal virtual server address[:port] specified")
                    .with(address::defect(text, Some(protocol), services))
            })?;
        if found.family == Family::V6 {
            self.netmask = None;
        }
        self.service = Some(ServiceKey::Address {
            family: found.family,
            protocol: protocol.into(),
            addr: found.addr,
            port: found.port.unwrap_or(0),
        });
        Ok(())
    }

    /// A real server; its port is that of the service unless it has one of its own.
    fn read_server(&self, text: &str, services: &Services) -> Result<Endpoint, Failure> {
        let (protocol, port) = match self.service {
            Some(ServiceKey::Address { protocol, port, .. }) => (Protocol::of(protocol), port),
            Some(ServiceKey::Mark { .. }) => (Some(Protocol::Tcp), 0),
            None => (None, 0),
        };
        let mut found = address::endpoint(text, protocol, services).ok_or_else(|| {
            Failure::usage("illegal real server address[:port] specified")
                .with(address::defect(text, protocol, services))
        })?;
        found.port.get_or_insert(port);
        Ok(found)
    }

    fn read_netmask(&self, text: &str, services: &Services) -> Result<Netmask, Failure> {
        match self.family() {
            Family::V4 => address::ipv4_host(text, services)
                .map(Netmask)
                .ok_or_else(|| {
                    Failure::usage("illegal virtual server persistent mask specified")
                        .with(format_args!("`{text}' is no netmask such as 255.255.255.0"))
                }),
            Family::V6 => match address::leading_number(text) {
                prefix @ 1..=128 => Ok(Netmask(prefix.to_ne_bytes())),
                _ => Err(Failure::usage("illegal ipv6 netmask specified")
                    .with(remark::out_of_range(text, 1, 128))),
            },
        }
    }

    /// The netmask, or that of single clients.
    pub fn netmask(&self) -> Netmask {
        self.netmask
            .unwrap_or_else(|| ServiceSettings::single_clients(self.family()))
    }
}

/// A timeout, or the message that 1.31 has for a wrong one.
///
/// # Errors
///
/// That message.
pub fn timeout(text: &str, min: u32) -> Result<u32, Failure> {
    number(text, min, TIMEOUT_MAX).ok_or_else(|| {
        Failure::usage(format!("invalid timeout value `{text}' specified")).with(format_args!(
            "{} seconds",
            remark::out_of_range(text, min, TIMEOUT_MAX)
        ))
    })
}

/// A multicast group.
fn group(text: &str) -> Result<(Family, Addr), Failure> {
    let wrong = |family, range| {
        Failure::usage(format!("invalid {family} mcast-group `{text}'"))
            .with(format_args!("multicast addresses are in {range}"))
    };
    if text.contains(':') {
        match text.parse::<std::net::Ipv6Addr>() {
            Ok(address) if address.is_multicast() => {
                Ok((Family::V6, Addr::from_v6(address.octets())))
            }
            _ => Err(wrong("IPv6", "ff00::/8")),
        }
    } else {
        match text.parse::<std::net::Ipv4Addr>() {
            Ok(address) if address.is_multicast() => {
                Ok((Family::V4, Addr::from_v4(address.octets())))
            }
            _ => Err(wrong("IPv4", "224.0.0.0/4")),
        }
    }
}
