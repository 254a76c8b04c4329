// SPDX-License-Identifier: GPL-2.0

//! Which clients are one client for persistence.

use super::Error;
use crate::addr::Family;

/// The clients that are one client for persistence: those whose addresses are equal under this mask.
///
/// The four bytes of a message: an IPv4 netmask in network order, or the length of an IPv6 prefix
/// in bits, in host order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Netmask(pub [u8; 4]);

impl Netmask {
    /// Checks the mask of a service of this family.
    ///
    /// This is not part of reading the request, because the C module looks up the scheduler and the
    /// persistence engine first, and its error then is theirs.
    ///
    /// # Errors
    ///
    /// [`Error::Prefix`] if an IPv6 service has no prefix of 1 to 128 bits.
    pub const fn check(self, family: Family) -> Result<(), Error> {
        match (family, u32::from_ne_bytes(self.0)) {
            (Family::V4, _) | (Family::V6, 1..=128) => Ok(()),
            (Family::V6, _) => Err(Error::Prefix),
        }
    }
}
