// SPDX-License-Identifier: GPL-2.0

//! The top level of a request.

use crate::config::{Error, TimeoutChange};
use crate::nla::{Attributes, Kind};
use crate::uapi::top;

const POLICY: [Kind; 6] = [
    Kind::Nested, // SERVICE
    Kind::Nested, // DEST
    Kind::Nested, // DAEMON
    Kind::U32,    // TIMEOUT_TCP
    Kind::U32,    // TIMEOUT_TCP_FIN
    Kind::U32,    // TIMEOUT_UDP
];

/// The attributes at the top level of a request.
#[derive(Clone, Debug)]
pub struct TopLevel<'a>(Attributes<'a, 6>);

impl<'a> TopLevel<'a> {
    /// Reads what follows the generic netlink header.
    ///
    /// # Errors
    ///
    /// [`Error::Attribute`].
    // Inline, so that the result is made where it is used.
    #[inline(always)]
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let mut attributes = Attributes::none();
        attributes.read(bytes, &POLICY).map_err(Error::Attribute)?;
        Ok(Self(attributes))
    }

    /// The payload of the nest that describes a service.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`].
    pub fn service(&self) -> Result<&'a [u8], Error> {
        self.0.bytes(top::SERVICE).ok_or(Error::Missing)
    }

    /// The payload of the nest that describes a real server.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`].
    pub fn dest(&self) -> Result<&'a [u8], Error> {
        self.0.bytes(top::DEST).ok_or(Error::Missing)
    }

    /// The payload of the nest that describes a synchronisation daemon.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`].
    pub fn daemon(&self) -> Result<&'a [u8], Error> {
        self.0.bytes(top::DAEMON).ok_or(Error::Missing)
    }

    /// The change of timeouts that the request asks for. A missing attribute changes nothing. A
    /// second has `hz` ticks.
    ///
    /// # Errors
    ///
    /// See [`TimeoutChange::new`].
    pub fn timeouts(&self, hz: u32) -> Result<TimeoutChange, Error> {
        let seconds = |kind| self.0.u32(kind).unwrap_or(0);
        TimeoutChange::new(
            seconds(top::TIMEOUT_TCP),
            seconds(top::TIMEOUT_TCP_FIN),
            seconds(top::TIMEOUT_UDP),
            hz,
        )
    }
}
