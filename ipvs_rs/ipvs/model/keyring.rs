// SPDX-License-Identifier: GPL-2.0

//! The keys by which the daemons of directors know each other.

use ipvs_core::sync::{Authentication, Code};
use kernel::prelude::*;
use knet::hmac::Key;

/// The number of keys at most: the present one, and one that replaces it or was replaced.
pub(crate) const MOST_KEYS: usize = 2;

/// The keys of a namespace, and what its daemons ask of others. Replaced as a whole.
pub(crate) struct Keyring {
    authentication: Authentication,
    /// The keys with their numbers. The first one signs.
    keys: [Option<(u8, Key)>; MOST_KEYS],
}

impl Keyring {
    /// A keyring of keys with different numbers, each with its secret.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new<'a>(
        authentication: Authentication,
        secrets: impl Iterator<Item = (u8, &'a [u8])>,
    ) -> Result<Self> {
        let mut keys = [None, None];
        for (place, (number, secret)) in keys.iter_mut().zip(secrets) {
            *place = Some((number, Key::new(secret)?));
        }
        Ok(Self {
            authentication,
            keys,
        })
    }

    /// What the daemons ask of others.
    pub(crate) fn authentication(&self) -> Authentication {
        self.authentication
    }

    /// The numbers of the keys, that of the key that signs first.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = u8> + '_ {
        self.keys.iter().flatten().map(|(number, _)| *number)
    }

    /// The code of these slices by the key of this number; [`None`] without such a key.
    pub(crate) fn code(&self, number: u8, slices: &[&[u8]]) -> Option<Code> {
        let mut keys = self.keys.iter().flatten();
        let (_, key) = keys.find(|(known, _)| *known == number)?;
        key.code(slices).first_chunk().copied()
    }
}
