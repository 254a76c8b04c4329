// SPDX-License-Identifier: GPL-2.0

//! A server.

use ipvs_core::{
    config::reply::{AttributeSink, Full},
    nla::{Attributes, Kind},
};

use super::{endpoint, put_endpoint, Endpoint, Error};
use crate::uapi::server as kind;

const AT: [u16; 3] = [kind::FAMILY, kind::ADDR, kind::PORT];

/// What a request says about a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its address and port, which identify it.
    pub at: Endpoint,
    /// Its weight, if that is said.
    pub weight: Option<u16>,
}

impl Server {
    /// Reads a nest.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub fn read(nest: &[u8]) -> Result<Self, Error> {
        const KINDS: [Kind; 4] = [Kind::U16, Kind::Binary(16), Kind::U16, Kind::U32];
        let found = Attributes::parse(nest, &KINDS)
            .map_err(|_| Error::Malformed("an attribute of a server is not of its kind"))?;
        let weight = found.u32(kind::WEIGHT).map(u16::try_from).transpose();
        Ok(Self {
            at: endpoint(&found, AT)?,
            weight: weight.map_err(|_| Error::Malformed("a weight is above 65535"))?,
        })
    }

    /// Writes the attributes.
    ///
    /// # Errors
    ///
    /// [`Full`] if there is no room for them.
    pub fn write(&self, out: &mut impl AttributeSink) -> Result<(), Full> {
        put_endpoint(out, AT, &self.at)?;
        match self.weight {
            Some(weight) => out.put_u32(kind::WEIGHT, weight.into()),
            None => Ok(()),
        }
    }
}
