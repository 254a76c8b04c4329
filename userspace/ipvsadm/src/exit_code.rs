// SPDX-License-Identifier: GPL-2.0

//! What the program ends with.

/// The status of the process, as 1.31 gives it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExitCode {
    /// All went well.
    #[default]
    Success,
    /// A listing could not be made.
    Listing,
    /// What was typed has no meaning, or IPVS cannot be talked to.
    Usage,
    /// The kernel refused, or options were not understood.
    Failure,
}

impl ExitCode {
    /// The number.
    pub const fn number(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Listing => 1,
            Self::Usage => 2,
            Self::Failure => 255,
        }
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.number())
    }
}
