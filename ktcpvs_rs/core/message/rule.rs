// SPDX-License-Identifier: GPL-2.0

//! A rule.

use ipvs_core::{
    config::reply::{AttributeSink, Full},
    nla::{Attributes, Kind},
};

use super::{endpoint, put_endpoint, put_string, Endpoint, Error};
use crate::{config::GROUP_MAX, pattern::PATTERN_MAX, uapi::rule as kind};

const AT: [u16; 3] = [kind::FAMILY, kind::ADDR, kind::PORT];
/// The longest pattern and its NUL.
const ROOM: usize = PATTERN_MAX.saturating_add(1);

/// What a request says about a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule<'a> {
    /// The pattern.
    pub pattern: &'a [u8],
    /// The group by which `hhttp` balances.
    pub group: u8,
    /// The server.
    pub server: Endpoint,
}

impl<'a> Rule<'a> {
    /// Reads a nest.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub fn read(nest: &'a [u8]) -> Result<Self, Error> {
        const KINDS: [Kind; 5] = [
            Kind::NulString(PATTERN_MAX),
            Kind::U8,
            Kind::U16,
            Kind::Binary(16),
            Kind::U16,
        ];
        let found = Attributes::parse(nest, &KINDS)
            .map_err(|_| Error::Malformed("an attribute of a rule is not of its kind"))?;
        let pattern = found.string(kind::PATTERN);
        let pattern = pattern.filter(|pattern| !pattern.is_empty());
        let group = found.u8(kind::MATCH).unwrap_or(0);
        if group > GROUP_MAX {
            return Err(Error::Malformed("a match is above 9"));
        }
        Ok(Self {
            pattern: pattern.ok_or(Error::Missing("a rule needs a pattern"))?,
            group,
            server: endpoint(&found, AT)?,
        })
    }

    /// Writes the attributes.
    ///
    /// # Errors
    ///
    /// [`Full`] if there is no room for them.
    pub fn write(&self, out: &mut impl AttributeSink) -> Result<(), Full> {
        put_string::<ROOM>(out, kind::PATTERN, self.pattern)?;
        out.put(kind::MATCH, &[self.group])?;
        put_endpoint(out, AT, &self.server)
    }
}
