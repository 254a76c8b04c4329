// SPDX-License-Identifier: GPL-2.0

//! The failure of a request for many services.

use kernel::{
    alloc::{kvec::PushError, AllocError},
    prelude::*,
};

use crate::control::refusal::Refusal;

/// The reason for which nothing was changed.
#[derive(Clone, Copy)]
pub(crate) struct Failure {
    pub(crate) error: Error,
    /// A sentence about it, for the user.
    pub(crate) text: &'static str,
    /// The number of the entry of the request that is the reason, if one is.
    pub(crate) entry: Option<usize>,
}

impl Failure {
    /// A failure by one entry of the request.
    pub(crate) fn at(entry: usize, error: Error, text: &'static str) -> Self {
        Self {
            error,
            text,
            entry: Some(entry),
        }
    }
}

impl Failure {
    /// A refusal that is about one entry of the request.
    pub(crate) fn refused(entry: usize) -> impl Fn(Refusal) -> Self {
        move |Refusal { error, text }| Self::at(entry, error, text)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let Refusal { error, text } = error.into();
        Self {
            error,
            text,
            entry: None,
        }
    }
}

impl From<AllocError> for Failure {
    fn from(_: AllocError) -> Self {
        ENOMEM.into()
    }
}

impl<T> From<PushError<T>> for Failure {
    fn from(_: PushError<T>) -> Self {
        ENOMEM.into()
    }
}
