// SPDX-License-Identifier: GPL-2.0

//! A service.

use ipvs_core::{
    addr::{Addr, Family},
    config::reply::{AttributeSink, Full},
    nla::{Attributes, Kind},
};

use super::{addr, addr_of, put_addr, put_string, Error};
use crate::{
    config::{is_name, NAME_MAX},
    uapi::service as kind,
};

/// The longest name and its NUL.
const ROOM: usize = NAME_MAX.saturating_add(1);

/// A setting that is a number from 1 to 65535, and its attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Number {
    /// See [`kind::START`].
    Start = kind::START,
    /// See [`kind::MAX_CLIENTS`].
    MaxClients = kind::MAX_CLIENTS,
    /// See [`kind::MIN_SPARE`].
    MinSpare = kind::MIN_SPARE,
    /// See [`kind::MAX_SPARE`].
    MaxSpare = kind::MAX_SPARE,
    /// See [`kind::IDLE`].
    Idle = kind::IDLE,
}

impl Number {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Start,
        Self::MaxClients,
        Self::MinSpare,
        Self::MaxSpare,
        Self::Idle,
    ];
}

/// What a request says about a service; what it does not say is [`None`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Service<'a> {
    /// Its name, which identifies it.
    pub name: &'a [u8],
    /// The address that it listens on.
    pub addr: Option<(Family, Addr)>,
    /// The port.
    pub port: Option<u16>,
    /// The scheduler.
    pub scheduler: Option<&'a [u8]>,
    /// The settings of [`Number::ALL`], in this order.
    pub numbers: [Option<u16>; 5],
    /// The server that stands in for others: its address and port, or port 0 for none.
    pub redirect: Option<(Family, Addr, u16)>,
    /// See [`service_flags`](crate::uapi::service_flags).
    pub flags: Option<u32>,
    /// Clients whose `X-Forwarded-For` is believed.
    pub trusted: Option<(Family, Addr, u8)>,
    /// The longest body of a request.
    pub max_body: Option<u64>,
    /// The servers, each a nest in this nest.
    pub servers: Option<&'a [u8]>,
    /// The rules, each a nest in this nest.
    pub rules: Option<&'a [u8]>,
}

/// By the numbers of the attributes.
const KINDS: [Kind; 19] = [
    Kind::NulString(NAME_MAX),
    Kind::U16,
    Kind::Binary(16),
    Kind::U16,
    Kind::NulString(NAME_MAX),
    Kind::U32,
    Kind::U32,
    Kind::U32,
    Kind::U32,
    Kind::Binary(16),
    Kind::U16,
    Kind::U32,
    Kind::Binary(16),
    Kind::U32,
    Kind::AtLeast(8),
    Kind::U32,
    Kind::U32,
    Kind::Nested,
    Kind::Nested,
];

impl<'a> Service<'a> {
    /// A service of which nothing is said but its name.
    pub fn named(name: &'a [u8]) -> Self {
        Self {
            name,
            ..Self::default()
        }
    }

    /// Reads a nest.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub fn read(nest: &'a [u8]) -> Result<Self, Error> {
        let found = Attributes::parse(nest, &KINDS)
            .map_err(|_| Error::Malformed("an attribute of a service is not of its kind"))?;
        let name = found.string(kind::NAME);
        let name = name.ok_or(Error::Missing("a service needs a name"))?;
        let scheduler = found.string(kind::SCHEDULER);
        if !is_name(name) || scheduler.is_some_and(|name| !is_name(name)) {
            return Err(Error::Malformed(
                "a name has other than letters, digits, dots and dashes",
            ));
        }
        let family = found.u16(kind::FAMILY);
        let at = found.bytes(kind::ADDR);
        let mut numbers = [None; 5];
        for (slot, number) in numbers.iter_mut().zip(Number::ALL) {
            // CAST: the number of the attribute.
            let said = found.u32(number as u16).map(u16::try_from).transpose();
            *slot = match said {
                Ok(Some(0)) | Err(_) => return Err(Error::Malformed("a number is not 1 to 65535")),
                Ok(said) => said,
            };
        }
        let max_body = found.bytes(kind::MAX_BODY).and_then(<[u8]>::first_chunk);
        Ok(Self {
            name,
            addr: at.map(|bytes| addr_of(family, bytes)).transpose()?,
            port: found.be16(kind::PORT),
            scheduler,
            numbers,
            redirect: redirect(&found)?,
            flags: found.u32(kind::FLAGS),
            trusted: trusted(&found)?,
            max_body: max_body.map(|bytes| u64::from_ne_bytes(*bytes)),
            servers: found.bytes(kind::SERVERS),
            rules: found.bytes(kind::RULES),
        })
    }

    /// What is said of a number.
    pub fn number(&self, wanted: Number) -> Option<u16> {
        let mut all = self.numbers.iter().zip(Number::ALL);
        all.find(|(_, number)| *number == wanted)
            .and_then(|(value, _)| *value)
    }

    /// Says a number.
    pub fn set_number(&mut self, wanted: Number, value: u16) {
        for (slot, number) in self.numbers.iter_mut().zip(Number::ALL) {
            if number == wanted {
                *slot = Some(value);
            }
        }
    }

    /// Writes the attributes, without servers and rules.
    ///
    /// # Errors
    ///
    /// [`Full`] if there is no room for them.
    pub fn write(&self, out: &mut impl AttributeSink) -> Result<(), Full> {
        put_string::<ROOM>(out, kind::NAME, self.name)?;
        if let Some((family, addr)) = self.addr {
            out.put_u16(kind::FAMILY, family.af())?;
            put_addr(out, kind::ADDR, family, addr)?;
        }
        if let Some(port) = self.port {
            out.put_be16(kind::PORT, port)?;
        }
        if let Some(scheduler) = self.scheduler {
            put_string::<ROOM>(out, kind::SCHEDULER, scheduler)?;
        }
        for (value, number) in self.numbers.iter().zip(Number::ALL) {
            if let Some(value) = value {
                // CAST: the number of the attribute.
                out.put_u32(number as u16, (*value).into())?;
            }
        }
        if let Some((family, addr, port)) = self.redirect {
            put_addr(out, kind::REDIRECT_ADDR, family, addr)?;
            out.put_be16(kind::REDIRECT_PORT, port)?;
        }
        if let Some(flags) = self.flags {
            out.put_u32(kind::FLAGS, flags)?;
        }
        if let Some((family, addr, bits)) = self.trusted {
            put_addr(out, kind::TRUSTED_ADDR, family, addr)?;
            out.put_u32(kind::TRUSTED_BITS, bits.into())?;
        }
        match self.max_body {
            Some(bytes) => out.put_u64(kind::MAX_BODY, bytes, kind::PAD),
            None => Ok(()),
        }
    }
}

fn redirect(found: &Attributes<'_, 19>) -> Result<Option<(Family, Addr, u16)>, Error> {
    match (
        found.bytes(kind::REDIRECT_ADDR),
        found.be16(kind::REDIRECT_PORT),
    ) {
        (Some(bytes), Some(port)) => {
            let (family, addr) = addr(bytes)?;
            Ok(Some((family, addr, port)))
        }
        (None, None) => Ok(None),
        _ => Err(Error::Missing("a redirect needs an address and a port")),
    }
}

fn trusted(found: &Attributes<'_, 19>) -> Result<Option<(Family, Addr, u8)>, Error> {
    match (
        found.bytes(kind::TRUSTED_ADDR),
        found.u32(kind::TRUSTED_BITS),
    ) {
        (Some(bytes), Some(bits)) => {
            let (family, addr) = addr(bytes)?;
            let most = match family {
                Family::V4 => 32,
                Family::V6 => 128,
            };
            let bits = u8::try_from(bits).ok().filter(|bits| *bits <= most);
            let bits = bits.ok_or(Error::Malformed("a prefix is too long"))?;
            Ok(Some((family, addr, bits)))
        }
        (None, None) => Ok(None),
        _ => Err(Error::Missing(
            "trusted clients need an address and a length",
        )),
    }
}
