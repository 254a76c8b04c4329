// SPDX-License-Identifier: GPL-2.0

//! The options of the classic interface, as data: what is typed, for what, and what it is called
//! in messages. The parser, the manual and the completions are made from these tables.

/// A command: the first option of a command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    /// `-A`
    AddService,
    /// `-E`
    EditService,
    /// `-D`
    DeleteService,
    /// `-C`
    Clear,
    /// `-R`
    Restore,
    /// `-S`
    Save,
    /// `-a`
    AddServer,
    /// `-e`
    EditServer,
    /// `-d`
    DeleteServer,
    /// `-L`, `-l`
    List,
    /// `-Z`
    Zero,
    /// `--set`
    SetTimeouts,
    /// `--start-daemon`
    StartDaemon,
    /// `--stop-daemon`
    StopDaemon,
    /// `-h`
    Help,
    /// `-v`
    Version,
}

/// An option that goes with a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Flag {
    /// `-n`
    Numeric,
    /// `-c`
    Connection,
    /// `-t`
    Tcp,
    /// `-u`
    Udp,
    /// `--sctp-service`
    Sctp,
    /// `-f`
    Mark,
    /// `-6`
    Ipv6,
    /// `-s`
    Scheduler,
    /// `-p`
    Persistent,
    /// `-M`
    Netmask,
    /// `-r`
    RealServer,
    /// `-g`
    Gatewaying,
    /// `-i`
    Ipip,
    /// `-m`
    Masquerading,
    /// `-w`
    Weight,
    /// `-x`
    UpperThreshold,
    /// `-y`
    LowerThreshold,
    /// `--mcast-interface`
    McastInterface,
    /// `--timeout`
    Timeout,
    /// `--daemon`
    Daemon,
    /// `--stats`
    Stats,
    /// `--rate`
    Rate,
    /// `--thresholds`
    Thresholds,
    /// `--persistent-conn`
    PersistentConn,
    /// `--nosort`
    NoSort,
    /// `--sort`
    Sort,
    /// `--syncid`
    SyncId,
    /// `--exact`
    Exact,
    /// `-o`
    OnePacket,
    /// `--pe`
    Pe,
    /// `-b`
    SchedFlags,
    /// `--mcast-group`
    McastGroup,
    /// `--mcast-port`
    McastPort,
    /// `--mcast-ttl`
    McastTtl,
    /// `--sync-maxlen`
    SyncMaxLen,
    /// `--tun-info`
    TunInfo,
    /// `--tun-type`
    TunType,
    /// `--tun-port`
    TunPort,
    /// `--tun-nocsum`
    TunNoCsum,
    /// `--tun-csum`
    TunCsum,
    /// `--tun-remcsum`
    TunRemCsum,
    /// `--json`
    Json,
    /// `--atomic`
    Atomic,
    /// `--keep-others`
    KeepOthers,
    /// `--dry-run`
    DryRun,
}

/// Whether a value follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// No value.
    Nothing,
    /// A value.
    Value(&'static str),
    /// A value, unless the next word is an option.
    Maybe(&'static str),
}

/// What an option stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// A command.
    Verb(Verb),
    /// Something that goes with one.
    Flag(Flag),
}

/// An option.
#[derive(Clone, Copy, Debug)]
pub struct Opt {
    /// After two dashes.
    pub long: &'static str,
    /// After one dash.
    pub short: Option<char>,
    /// Whether a value follows.
    pub takes: Takes,
    /// What it stands for.
    pub meaning: Meaning,
    /// A line for the manual.
    pub help: &'static str,
}

const fn verb(long: &'static str, short: Option<char>, verb: Verb, help: &'static str) -> Opt {
    Opt {
        long,
        short,
        takes: Takes::Nothing,
        meaning: Meaning::Verb(verb),
        help,
    }
}

const fn switch(long: &'static str, short: Option<char>, flag: Flag, help: &'static str) -> Opt {
    Opt {
        long,
        short,
        takes: Takes::Nothing,
        meaning: Meaning::Flag(flag),
        help,
    }
}

const fn value(
    long: &'static str,
    short: Option<char>,
    name: &'static str,
    flag: Flag,
    help: &'static str,
) -> Opt {
    Opt {
        long,
        short,
        takes: Takes::Value(name),
        meaning: Meaning::Flag(flag),
        help,
    }
}

/// All options.
#[rustfmt::skip]
pub const OPTIONS: &[Opt] = &[
    verb("add-service", Some('A'), Verb::AddService, "add a virtual service"),
    verb("edit-service", Some('E'), Verb::EditService, "edit a virtual service; what is not given gets its default"),
    verb("delete-service", Some('D'), Verb::DeleteService, "delete a virtual service and its servers"),
    verb("clear", Some('C'), Verb::Clear, "clear the whole table"),
    verb("restore", Some('R'), Verb::Restore, "restore rules from standard input"),
    verb("save", Some('S'), Verb::Save, "save rules to standard output"),
    verb("add-server", Some('a'), Verb::AddServer, "add a real server to a virtual service"),
    verb("edit-server", Some('e'), Verb::EditServer, "edit a real server; what is not given gets its default"),
    verb("delete-server", Some('d'), Verb::DeleteServer, "remove a real server from a virtual service"),
    verb("list", Some('L'), Verb::List, "list the table, or one service, or connections"),
    verb("zero", Some('Z'), Verb::Zero, "zero the counters of a service or of all"),
    verb("set", None, Verb::SetTimeouts, "set timeouts: TCP, TCP after FIN, UDP, in seconds; 0 keeps what is"),
    Opt { long: "start-daemon", short: None, takes: Takes::Value("STATE"), meaning: Meaning::Verb(Verb::StartDaemon),
          help: "start the synchronisation daemon, as master or backup" },
    Opt { long: "stop-daemon", short: None, takes: Takes::Value("STATE"), meaning: Meaning::Verb(Verb::StopDaemon),
          help: "stop the synchronisation daemon, master or backup" },
    verb("help", Some('h'), Verb::Help, "show how the command is used"),
    verb("version", Some('v'), Verb::Version, "show the version"),
    value("tcp-service", Some('t'), "ADDRESS", Flag::Tcp, "a TCP service, host[:port]"),
    value("udp-service", Some('u'), "ADDRESS", Flag::Udp, "a UDP service, host[:port]"),
    value("sctp-service", None, "ADDRESS", Flag::Sctp, "an SCTP service, host[:port]"),
    value("fwmark-service", Some('f'), "MARK", Flag::Mark, "a service of packets with a firewall mark, 1 to 4294967295"),
    switch("ipv6", Some('6'), Flag::Ipv6, "the firewall mark is of IPv6 packets; follows -f"),
    value("scheduler", Some('s'), "SCHEDULER", Flag::Scheduler, "how connections are given to servers, wlc by default"),
    Opt { long: "persistent", short: Some('p'), takes: Takes::Maybe("SECONDS"), meaning: Meaning::Flag(Flag::Persistent),
          help: "a client stays with its server for so many seconds, 360 by default" },
    value("netmask", Some('M'), "NETMASK", Flag::Netmask, "which clients persistence takes for one: netmask, or IPv6 prefix length"),
    value("pe", None, "ENGINE", Flag::Pe, "persistence engine: sip"),
    value("sched-flags", Some('b'), "FLAGS", Flag::SchedFlags, "flags of the scheduler, with commas between"),
    switch("ops", Some('o'), Flag::OnePacket, "one-packet scheduling, for UDP"),
    value("real-server", Some('r'), "ADDRESS", Flag::RealServer, "a real server, host[:port]"),
    switch("gatewaying", Some('g'), Flag::Gatewaying, "direct routing, the default"),
    switch("ipip", Some('i'), Flag::Ipip, "tunneling"),
    switch("masquerading", Some('m'), Flag::Masquerading, "network address translation"),
    value("weight", Some('w'), "WEIGHT", Flag::Weight, "capacity of a server, 0 to 2147483647, 1 by default; 0 gets no new connections"),
    value("u-threshold", Some('x'), "CONNECTIONS", Flag::UpperThreshold, "at so many connections a server gets no new ones; 0 for never"),
    value("l-threshold", Some('y'), "CONNECTIONS", Flag::LowerThreshold, "below so many it gets new ones again; 0 for three quarters of -x"),
    value("tun-type", None, "TYPE", Flag::TunType, "kind of tunnel: ipip, gue or gre"),
    value("tun-port", None, "PORT", Flag::TunPort, "UDP port of a gue tunnel"),
    switch("tun-nocsum", None, Flag::TunNoCsum, "no checksums in the tunnel, the default of gue and gre"),
    switch("tun-csum", None, Flag::TunCsum, "checksums in the tunnel, for gue and gre"),
    switch("tun-remcsum", None, Flag::TunRemCsum, "remote checksum offload, for gue"),
    switch("connection", Some('c'), Flag::Connection, "list connections"),
    switch("timeout", None, Flag::Timeout, "list timeouts"),
    switch("daemon", None, Flag::Daemon, "list synchronisation daemons"),
    switch("stats", None, Flag::Stats, "list counters"),
    switch("rate", None, Flag::Rate, "list rates"),
    switch("exact", None, Flag::Exact, "show numbers in full"),
    switch("thresholds", None, Flag::Thresholds, "list connection thresholds"),
    switch("persistent-conn", None, Flag::PersistentConn, "list persistent connections; with -c, data of persistence engines"),
    switch("tun-info", None, Flag::TunInfo, "list tunnels"),
    switch("nosort", None, Flag::NoSort, "list in the order of the kernel"),
    switch("sort", None, Flag::Sort, "does nothing, for compatibility"),
    switch("numeric", Some('n'), Flag::Numeric, "show numbers instead of names"),
    value("syncid", None, "ID", Flag::SyncId, "directors of one number belong together, 0 to 255"),
    value("sync-maxlen", None, "BYTES", Flag::SyncMaxLen, "the longest synchronisation message, 1 to 65507"),
    value("mcast-interface", None, "INTERFACE", Flag::McastInterface, "interface of synchronisation messages"),
    value("mcast-group", None, "ADDRESS", Flag::McastGroup, "IPv4 or IPv6 group of synchronisation messages, 224.0.0.81 by default"),
    value("mcast-port", None, "PORT", Flag::McastPort, "UDP port of synchronisation messages, 8848 by default"),
    value("mcast-ttl", None, "TTL", Flag::McastTtl, "time to live of synchronisation messages, 1 to 255, 1 by default"),
    switch("json", None, Flag::Json, "list as JSON"),
    switch("atomic", None, Flag::Atomic, "restore makes the table what the rules say, with the fewest changes, or leaves it as it was"),
    switch("keep-others", None, Flag::KeepOthers, "with --atomic or --dry-run, services that the rules do not name stay as they are"),
    switch("dry-run", None, Flag::DryRun, "restore shows the changes it would make, and makes none"),
];

/// The second letter for `--list`.
pub const LIST_ALIAS: char = 'l';

/// The option with this letter.
pub fn by_short(letter: char) -> Option<&'static Opt> {
    let letter = if letter == LIST_ALIAS { 'L' } else { letter };
    OPTIONS.iter().find(|option| option.short == Some(letter))
}

/// The option with this name.
pub fn by_long(name: &str) -> Option<&'static Opt> {
    OPTIONS.iter().find(|option| option.long == name)
}

impl Verb {
    /// What messages call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AddService => "add-service",
            Self::EditService => "edit-service",
            Self::DeleteService => "delete-service",
            Self::Clear => "flush",
            Self::Restore => "restore",
            Self::Save => "save",
            Self::AddServer => "add-server",
            Self::EditServer => "edit-server",
            Self::DeleteServer => "delete-server",
            Self::List => "list",
            Self::Zero => "zero",
            Self::SetTimeouts => "set",
            Self::StartDaemon => "start-daemon",
            Self::StopDaemon => "stop-daemon",
            Self::Help => "help",
            Self::Version => "version",
        }
    }

    /// Whether a flag may go with it.
    pub fn allows(self, flag: Flag) -> bool {
        use Flag as F;
        let service = matches!(flag, F::Tcp | F::Udp | F::Sctp | F::Mark);
        match self {
            _ if matches!(flag, F::Ipv6 | F::Sort) => true,
            Self::AddService | Self::EditService => {
                service
                    || matches!(
                        flag,
                        F::Scheduler
                            | F::Persistent
                            | F::Netmask
                            | F::OnePacket
                            | F::Pe
                            | F::SchedFlags
                    )
            }
            Self::DeleteService | Self::Zero => service,
            Self::AddServer | Self::EditServer => {
                service
                    || matches!(
                        flag,
                        F::RealServer | F::Gatewaying | F::Ipip | F::Masquerading
                    )
                    || matches!(flag, F::Weight | F::UpperThreshold | F::LowerThreshold)
                    || matches!(flag, F::TunType | F::TunPort)
                    || matches!(flag, F::TunNoCsum | F::TunCsum | F::TunRemCsum)
            }
            Self::DeleteServer => service || flag == F::RealServer,
            Self::List => {
                service
                    || matches!(
                        flag,
                        F::Numeric | F::Connection | F::Timeout | F::Daemon | F::Json
                    )
                    || matches!(flag, F::Stats | F::Rate | F::Thresholds | F::PersistentConn)
                    || matches!(flag, F::NoSort | F::SyncId | F::Exact | F::TunInfo)
            }
            Self::Save => flag == F::Numeric,
            Self::Restore => matches!(flag, F::Atomic | F::KeepOthers | F::DryRun),
            Self::StartDaemon => matches!(
                flag,
                F::McastInterface
                    | F::SyncId
                    | F::SyncMaxLen
                    | F::McastGroup
                    | F::McastPort
                    | F::McastTtl
            ),
            Self::StopDaemon => flag == F::SyncId,
            Self::Clear | Self::SetTimeouts | Self::Help | Self::Version => false,
        }
    }
}

/// Names of flags in messages, in the order in which they are checked.
#[rustfmt::skip]
pub const CHECKED: &[(&str, &[Flag])] = &[
    ("numeric", &[Flag::Numeric]),
    ("connection", &[Flag::Connection]),
    ("service-address", &[Flag::Tcp, Flag::Udp, Flag::Sctp, Flag::Mark]),
    ("scheduler", &[Flag::Scheduler]),
    ("persistent", &[Flag::Persistent]),
    ("netmask", &[Flag::Netmask]),
    ("real-server", &[Flag::RealServer]),
    ("forwarding-method", &[Flag::Gatewaying, Flag::Ipip, Flag::Masquerading]),
    ("weight", &[Flag::Weight]),
    ("u-threshold", &[Flag::UpperThreshold]),
    ("l-threshold", &[Flag::LowerThreshold]),
    ("mcast-interface", &[Flag::McastInterface]),
    ("timeout", &[Flag::Timeout]),
    ("daemon", &[Flag::Daemon]),
    ("stats", &[Flag::Stats]),
    ("rate", &[Flag::Rate]),
    ("thresholds", &[Flag::Thresholds]),
    ("persistent-conn", &[Flag::PersistentConn]),
    ("nosort", &[Flag::NoSort]),
    ("syncid", &[Flag::SyncId]),
    ("exact", &[Flag::Exact]),
    ("ops", &[Flag::OnePacket]),
    ("pe", &[Flag::Pe]),
    ("sched-flags", &[Flag::SchedFlags]),
    ("mcast-group", &[Flag::McastGroup]),
    ("mcast-port", &[Flag::McastPort]),
    ("mcast-ttl", &[Flag::McastTtl]),
    ("sync-maxlen", &[Flag::SyncMaxLen]),
    ("tun-info", &[Flag::TunInfo]),
    ("tun-type", &[Flag::TunType]),
    ("tun-port", &[Flag::TunPort]),
    ("tun-nocsum", &[Flag::TunNoCsum]),
    ("tun-csum", &[Flag::TunCsum]),
    ("tun-remcsum", &[Flag::TunRemCsum]),
    ("json", &[Flag::Json]),
    ("atomic", &[Flag::Atomic]),
    ("keep-others", &[Flag::KeepOthers]),
    ("dry-run", &[Flag::DryRun]),
];

/// What messages call a flag, and the flags that cannot stand beside it.
pub fn group_of(flag: Flag) -> Option<&'static (&'static str, &'static [Flag])> {
    CHECKED.iter().find(|(_, flags)| flags.contains(&flag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_option_is_found_by_its_names() {
        for option in OPTIONS {
            assert_eq!(
                by_long(option.long).map(|o| o.meaning),
                Some(option.meaning)
            );
            if let Some(letter) = option.short {
                assert_eq!(by_short(letter).map(|o| o.meaning), Some(option.meaning));
            }
        }
    }

    #[test]
    fn each_flag_is_checked_or_allowed_everywhere() {
        for option in OPTIONS {
            if let Meaning::Flag(flag) = option.meaning {
                let everywhere = matches!(flag, Flag::Ipv6 | Flag::Sort);
                assert_eq!(group_of(flag).is_none(), everywhere, "{}", option.long);
            }
        }
    }
}
