// SPDX-License-Identifier: GPL-2.0

//! What an event tells besides what it is about.

use ipvs_core::config::reply::{AttributeSink, Full};

use crate::uapi::{action, top};

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Action {
    /// See [`action::NEW`].
    New = action::NEW,
    /// See [`action::SET`].
    Set = action::SET,
    /// See [`action::DEL`].
    Delete = action::DEL,
    /// See [`action::FLUSH`].
    Flush = action::FLUSH,
    /// See [`action::START`].
    Start = action::START,
    /// See [`action::STOP`].
    Stop = action::STOP,
    /// See [`action::APPLY`].
    Apply = action::APPLY,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::New,
        Self::Set,
        Self::Delete,
        Self::Flush,
        Self::Start,
        Self::Stop,
        Self::Apply,
    ];

    /// The action of a number.
    pub fn of(number: u8) -> Option<Self> {
        // CAST: the number of the variant.
        Self::ALL.into_iter().find(|it| *it as u8 == number)
    }

    /// Writes it, and who has asked for it.
    ///
    /// # Errors
    ///
    /// [`Full`] if there is no room.
    pub fn write(self, out: &mut impl AttributeSink, port: u32) -> Result<(), Full> {
        // CAST: the number of the variant.
        out.put(top::ACTION, &[self as u8])?;
        out.put_u32(top::PORTID, port)
    }
}
