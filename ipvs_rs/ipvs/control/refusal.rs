// SPDX-License-Identifier: GPL-2.0

//! The refusal of a change.

use ipvs_core::config;
use kernel::{
    alloc::{kvec::PushError, AllocError},
    prelude::*,
};

use super::errno::of_request;

/// The reason for which nothing was changed.
#[derive(Clone, Copy)]
pub(crate) struct Refusal {
    pub(crate) error: Error,
    /// A sentence about it, for the user. At most 79 bytes are sent.
    pub(crate) text: &'static str,
}

impl Refusal {
    /// A refusal with a sentence of its own.
    pub(crate) const fn new(error: Error, text: &'static str) -> Self {
        Self { error, text }
    }

    /// Gives an error a sentence, unless the reason is that there is no memory.
    pub(crate) fn because(text: &'static str) -> impl Fn(Error) -> Self {
        move |error| match error == ENOMEM {
            true => error.into(),
            false => Self::new(error, text),
        }
    }

    /// There is no such service.
    pub(crate) const fn no_service() -> Self {
        Self::new(ESRCH, "there is no such service")
    }

    /// There is such a service.
    pub(crate) const fn service_exists() -> Self {
        Self::new(EEXIST, "there is such a service already")
    }

    /// The service has no such server.
    pub(crate) const fn no_dest() -> Self {
        Self::new(ENOENT, "the service has no such server")
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let text = match error {
            error if error == ENOMEM => "there is no memory for it",
            error if error == ENOENT => "IPVS is being unloaded",
            _ => "it cannot be done now",
        };
        Self::new(error, text)
    }
}

impl From<config::Error> for Refusal {
    fn from(defect: config::Error) -> Self {
        Self::new(of_request(defect), defect.text())
    }
}

impl From<AllocError> for Refusal {
    fn from(_: AllocError) -> Self {
        ENOMEM.into()
    }
}

impl<T> From<PushError<T>> for Refusal {
    fn from(_: PushError<T>) -> Self {
        ENOMEM.into()
    }
}

impl From<Refusal> for Error {
    /// Without the sentence, for those who cannot be told it.
    fn from(refusal: Refusal) -> Self {
        refusal.error
    }
}
