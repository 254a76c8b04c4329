// SPDX-License-Identifier: GPL-2.0

//! What a configuration file says, one thing at a time.

use ipvs_core::addr::{Addr, Family};

use super::{
    place::{write, write_addr, Place},
    token::Text,
};

/// A setting with a number from 1 to 65535.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// `startservers`: is kept and shown, and has no effect.
    StartServers,
    /// `maxclients`: the greatest number of relays.
    MaxClients,
    /// `minspareservers`: is kept and shown, and has no effect.
    MinSpareServers,
    /// `maxspareservers`: is kept and shown, and has no effect.
    MaxSpareServers,
    /// `idle`: the greatest number of idle connections to each server.
    Idle,
}

impl Number {
    /// All of them, with their keywords.
    pub const ALL: [(Self, &'static [u8]); 5] = [
        (Self::StartServers, b"startservers"),
        (Self::MaxClients, b"maxclients"),
        (Self::MinSpareServers, b"minspareservers"),
        (Self::MaxSpareServers, b"maxspareservers"),
        (Self::Idle, b"idle"),
    ];
}

/// A setting that is on or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flag {
    /// `forwarded`: the server is told the address of the client in `X-Forwarded-For`.
    Forwarded,
    /// `transparent`: the server sees the address of the client.
    Transparent,
    /// `sni`: rules look at the name in a ClientHello of TLS.
    Sni,
}

impl Flag {
    /// All of them, with their keywords.
    pub const ALL: [(Self, &'static [u8]); 3] = [
        (Self::Forwarded, b"forwarded"),
        (Self::Transparent, b"transparent"),
        (Self::Sni, b"sni"),
    ];
}

/// One thing that the file says. All but the first are about the service that has begun last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// A service of this name begins.
    Begin(&'a [u8]),
    /// Where it listens.
    Listen(Place<'a>),
    /// Its scheduler.
    Scheduler(&'a [u8]),
    /// The server that stands in for others. It has a port.
    Redirect(Place<'a>),
    /// A number.
    Number(Number, u16),
    /// Something that is on or off.
    Flag(Flag, bool),
    /// Whether servers are sent the header of the PROXY protocol, version 2.
    Proxy(bool),
    /// Clients whose `X-Forwarded-For` is believed: address and length of the prefix.
    Trusted(Family, Addr, u8),
    /// The longest body of a request, in bytes.
    MaxBody(u64),
    /// A server and its weight.
    Server(Place<'a>, u16),
    /// A rule.
    Rule {
        /// The pattern.
        pattern: Text<'a>,
        /// The group by which `hhttp` balances.
        group: u8,
        /// The server.
        server: Place<'a>,
    },
    /// The service ends.
    End,
}

impl Item<'_> {
    /// Writes the item as a line of a listing. `out` gets pieces of it.
    ///
    /// What is written can be read again, and says the same. In a pattern, `\"` becomes `"`, which means the same.
    pub fn write(&self, out: &mut impl FnMut(&[u8])) {
        match self {
            Self::Begin(name) => {
                out(b"Virtual ");
                out(name);
                return out(b" {\n");
            }
            Self::End => return out(b"}\n"),
            _ => out(b"    "),
        }
        self.write_setting(out);
        out(b"\n");
    }

    fn write_setting(&self, out: &mut impl FnMut(&[u8])) {
        match self {
            Self::Begin(_) | Self::End => {}
            Self::Listen(place) => setting(b"listen", out, |out| place.write(out)),
            Self::Scheduler(name) => setting(b"scheduler", out, |out| out(name)),
            Self::Redirect(place) => setting(b"redirect", out, |out| place.write(out)),
            Self::Number(number, value) => {
                setting(keyword(&Number::ALL, number), out, |out| {
                    write(format_args!("{value}"), out);
                });
            }
            Self::Flag(flag, is_on) => {
                let value: &[u8] = if *is_on { b"yes" } else { b"no" };
                setting(keyword(&Flag::ALL, flag), out, |out| out(value));
            }
            Self::Proxy(is_on) => {
                let value: &[u8] = if *is_on { b"v2" } else { b"off" };
                setting(b"proxy", out, |out| out(value));
            }
            Self::Trusted(family, addr, bits) => setting(b"trusted", out, |out| {
                let [open, close]: [&[u8]; 2] = match family {
                    Family::V4 => [b"", b""],
                    Family::V6 => [b"[", b"]"],
                };
                out(open);
                write_addr(*addr, *family, out);
                out(close);
                write(format_args!("/{bits}"), out);
            }),
            Self::MaxBody(bytes) => setting(b"max_body", out, |out| {
                write(format_args!("{bytes}"), out);
            }),
            Self::Server(place, weight) => setting(b"server", out, |out| {
                place.write(out);
                write(format_args!(" {weight}"), out);
            }),
            Self::Rule {
                pattern,
                group,
                server,
            } => setting(b"rule", out, |out| {
                out(b"pattern \"");
                write_quoted(*pattern, out);
                out(b"\" ");
                if *group > 0 {
                    write(format_args!("match {group} "), out);
                }
                out(b"use server ");
                server.write(out);
            }),
        }
    }
}

fn setting<F: FnMut(&[u8])>(keyword: &[u8], out: &mut F, value: impl FnOnce(&mut F)) {
    out(keyword);
    out(b" = ");
    value(out);
}

fn keyword<T: PartialEq>(all: &[(T, &'static [u8])], wanted: &T) -> &'static [u8] {
    let found = all.iter().find(|(it, _)| it == wanted);
    found.map_or(b"", |(_, keyword)| keyword)
}

/// Writes a backslash before each quote that has none.
fn write_quoted(text: Text<'_>, out: &mut impl FnMut(&[u8])) {
    let mut is_escaped = false;
    for byte in text.bytes() {
        if byte == b'"' && !is_escaped {
            out(b"\\");
        }
        is_escaped = byte == b'\\' && !is_escaped;
        out(&[byte]);
    }
}
