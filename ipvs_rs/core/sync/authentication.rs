// SPDX-License-Identifier: GPL-2.0

//! The code by which a datagram proves that it comes from a director with the same key.
//!
//! The code stands in the trailer, and is computed over all bytes before it and one byte for the role of the sender, so
//! that no datagram of a master passes for one of a backup. The caller has the keys and computes the code: HMAC-SHA-256,
//! cut to 16 bytes. The number of the key in the trailer lets two keys be valid while they are changed.
//!
//! | | no trailer | unsigned | unknown key | wrong code | right code |
//! |---|---|---|---|---|---|
//! | off | taken | taken | taken | taken | taken |
//! | optional | taken | taken | taken | refused | taken |
//! | required | refused | refused | refused | refused | taken |
//!
//! An attacker can leave the code out, so "optional" protects nothing. It is for the time in which the directors get their
//! keys one after the other: what it refuses would be refused later, and is counted now.

use core::hint::black_box;

use crate::uapi::additions::authentication;

use super::trailer::{MAGIC, SIGNED, TRAILER_LEN};

/// The length of a code, in bytes.
pub const CODE_LEN: usize = 16;

/// The length of a trailer before its code, in bytes.
const SIGNED_LEN: usize = TRAILER_LEN - CODE_LEN;

/// A code.
pub type Code = [u8; CODE_LEN];

/// The role of the director that sends a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// It tells of connections.
    Master,
    /// It asks for them.
    Backup,
}

impl Sender {
    /// The byte that is authenticated behind the datagram.
    const fn byte(self) -> u8 {
        match self {
            Self::Master => b'M',
            Self::Backup => b'B',
        }
    }
}

/// What a datagram shows of its origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// It has no trailer, as those of the C module.
    Absent,
    /// Its trailer has no code.
    Unsigned,
    /// Its code is of a key that is not known.
    UnknownKey,
    /// Its code is wrong: its bytes, its sender's role or the key differ.
    Wrong,
    /// Its code is right.
    Right,
}

impl Proof {
    /// The proof in a datagram of such a sender. `code` computes the code of these slices, in their order, with the key of
    /// this number; [`None`] if there is no such key.
    pub fn of(
        datagram: &[u8],
        sender: Sender,
        code: impl FnOnce(u8, &[&[u8]]) -> Option<Code>,
    ) -> Self {
        let Some((signed, found)) = datagram.split_last_chunk::<CODE_LEN>() else {
            return Self::Absent;
        };
        let key = match signed.last_chunk::<SIGNED_LEN>() {
            Some(&[m0, m1, m2, m3, flags, key, ..]) if [m0, m1, m2, m3] == MAGIC => {
                match flags & SIGNED {
                    0 => return Self::Unsigned,
                    _ => key,
                }
            }
            _ => return Self::Absent,
        };
        match code(key, &[signed, &[sender.byte()]]) {
            None => Self::UnknownKey,
            Some(expected) if is_same(&expected, found) => Self::Right,
            Some(_) => Self::Wrong,
        }
    }
}

/// What a director asks of the datagrams that it receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authentication {
    /// Nothing: no code need be computed.
    Off,
    /// No wrong code.
    Optional,
    /// A right code.
    Required,
}

impl Authentication {
    /// The value with this number of the netlink interface.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            authentication::OFF => Some(Self::Off),
            authentication::OPTIONAL => Some(Self::Optional),
            authentication::REQUIRED => Some(Self::Required),
            _ => None,
        }
    }

    /// The number of the netlink interface.
    pub const fn number(self) -> u8 {
        match self {
            Self::Off => authentication::OFF,
            Self::Optional => authentication::OPTIONAL,
            Self::Required => authentication::REQUIRED,
        }
    }

    /// Whether a datagram with this proof is taken.
    pub const fn takes(self, proof: Proof) -> bool {
        match (self, proof) {
            (Self::Off, _) | (_, Proof::Right) => true,
            (_, Proof::Wrong) | (Self::Required, _) => false,
            (Self::Optional, Proof::Absent | Proof::Unsigned | Proof::UnknownKey) => true,
        }
    }
}

/// Signs a datagram that ends with a trailer with the key of this number. `code` computes the code of these slices, in
/// their order. Returns whether there was a trailer; without one nothing changes.
pub fn sign(
    datagram: &mut [u8],
    sender: Sender,
    key: u8,
    code: impl FnOnce(&[&[u8]]) -> Code,
) -> bool {
    let Some((signed, place)) = datagram.split_last_chunk_mut::<CODE_LEN>() else {
        return false;
    };
    match signed.last_chunk_mut::<SIGNED_LEN>() {
        Some([m0, m1, m2, m3, flags, number, ..]) if [*m0, *m1, *m2, *m3] == MAGIC => {
            *flags |= SIGNED;
            *number = key;
        }
        _ => return false,
    }
    *place = code(&[signed, &[sender.byte()]]);
    true
}

/// Whether two codes are the same, in a time that does not depend on where they differ.
fn is_same(one: &Code, other: &Code) -> bool {
    let pairs = one.iter().zip(other);
    let differing = pairs.fold(0, |bits, (one, other)| black_box(bits | (one ^ other)));
    differing == 0
}
