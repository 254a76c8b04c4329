// SPDX-License-Identifier: GPL-2.0

//! What all tests use.

use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use kernel::{
    prelude::*,
    sync::Arc,
    time::{delay::fsleep, Delta},
};
use knet::time::{Jiffies, HZ};

/// Longer than any test takes.
pub(crate) const LONG: usize = 100 * HZ;

/// Why a test fails: where, and perhaps with which error.
pub(crate) struct Failure(pub(crate) u32, pub(crate) i32);

pub(crate) type Outcome = Result<(), Failure>;

/// Fails unless this is true.
macro_rules! want {
    ($condition:expr) => {
        if !$condition {
            return Err($crate::checks::Failure(line!(), 0));
        }
    };
}
pub(crate) use want;

/// The value, or fails.
macro_rules! get {
    ($result:expr) => {
        match $result {
            Ok(value) => value,
            Err(error) => {
                return Err($crate::checks::Failure(
                    line!(),
                    Error::from(error).to_errno(),
                ))
            }
        }
    };
}
pub(crate) use get;

/// Fails unless this fails with this error.
macro_rules! refused {
    ($result:expr, $error:expr) => {
        match $result {
            Err(error) if error == $error => {}
            Err(error) => return Err($crate::checks::Failure(line!(), error.to_errno())),
            Ok(_) => return Err($crate::checks::Failure(line!(), 0)),
        }
    };
}
pub(crate) use refused;

/// Counts its end.
pub(crate) struct Ends(pub(crate) Arc<AtomicUsize>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
}

pub(crate) fn counter() -> Result<Arc<AtomicUsize>> {
    Ok(Arc::new(AtomicUsize::new(0), GFP_KERNEL)?)
}

/// Waits until this is true, or for too long.
pub(crate) fn comes_true(mut condition: impl FnMut() -> bool) -> bool {
    let start = Jiffies::now();
    while !condition() {
        if Jiffies::now().since(start) > LONG as isize / 2 {
            return false;
        }
        fsleep(Delta::from_millis(1));
    }
    true
}
