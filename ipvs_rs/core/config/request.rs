// SPDX-License-Identifier: GPL-2.0

//! From netlink attributes to valid requests.
//!
//! The C module checks a request in stages, with lookups in between. Which error it reports for a
//! request with several faults depends on the order of the stages. Each function here is one stage.

mod daemon;
mod dest;
mod service;
mod top;

pub use daemon::{daemon, daemon_role};
pub use dest::{dest, dest_key};
pub use service::{service, service_key};
pub use top::TopLevel;

use super::Error;
use crate::addr::{Addr, Family};
use crate::nla::{Attributes, Kind};

/// Reads the attributes of a nest.
fn read<'a, const N: usize>(
    attributes: &mut Attributes<'a, N>,
    bytes: &'a [u8],
    policy: &[Kind; N],
) -> Result<(), Error> {
    attributes.read(bytes, policy).map_err(|_| Error::Malformed)
}

/// The address of a family in these bytes, which are in network order.
///
/// As the C module does: an IPv4 address is the first four bytes, however many there are.
fn addr_of(family: Family, bytes: [u8; 16]) -> Addr {
    let addr = Addr::from_v6(bytes);
    match family {
        Family::V4 => Addr::from_v4(addr.v4()),
        Family::V6 => addr,
    }
}

/// The address family that Linux numbers `af`.
fn family(af: u16) -> Result<Family, Error> {
    Family::from_af(af).ok_or(Error::UnsupportedFamily)
}
