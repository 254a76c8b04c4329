// SPDX-License-Identifier: GPL-2.0

//! Why a command is refused, and what user space is told.

use kernel::prelude::*;
use knet::genetlink::Request;
use ktcpvs_core::{message, pattern};

use crate::service::Refusal;

/// Why a command is refused.
pub(super) enum Failure {
    /// What the request says is malformed.
    Message(message::Error),
    /// The patterns of a service are refused.
    Patterns(pattern::Error),
    /// Anything else.
    Errno(Error),
    /// The same, with the reason in words.
    Told(Error, &'static CStr),
}

impl From<message::Error> for Failure {
    fn from(error: message::Error) -> Self {
        Self::Message(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Errno(error)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Patterns(error) => Self::Patterns(error),
            Refusal::NoMemory => Self::Errno(ENOMEM),
        }
    }
}

impl Failure {
    /// Tells the sender of the request, as far as it asked to be told. The number is what the command fails with.
    pub(super) fn tell(self, request: &Request) -> Error {
        match self {
            Self::Errno(error) => error,
            Self::Told(error, why) => {
                request.set_err_msg(why);
                error
            }
            Self::Message(error) => {
                request.set_err_msg_attr(&[], fmt!("{}", error.text()));
                EINVAL
            }
            Self::Patterns(pattern::Error::Malformed { pattern, at }) => {
                request.set_err_msg_attr(&[], fmt!("rule {pattern}: malformed at byte {at}"));
                EINVAL
            }
            Self::Patterns(pattern::Error::TooComplex { states }) => {
                request.set_err_msg_attr(&[], fmt!("Rules too complex: {states} states"));
                E2BIG
            }
            Self::Patterns(_) => {
                request.set_err_msg(c"a rule is too long");
                E2BIG
            }
        }
    }
}
