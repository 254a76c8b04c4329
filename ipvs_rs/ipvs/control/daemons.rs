// SPDX-License-Identifier: GPL-2.0

//! Synchronisation daemons. There is none yet: a request to start one fails, with the errors that the C module
//! returns for a wrong request.

use ipvs_core::config::{DaemonRole, DaemonSpec, Error::DaemonRole as UnknownRole};
use kernel::prelude::*;
use knet::{errno::eopnotsupp, log, net_namespace::Net, netdevice};

use super::errno::of_request;

/// Starts a daemon.
///
/// # Errors
///
/// `ENODEV` if there is no such interface, `EINVAL` if there is no such role, else `EOPNOTSUPP`.
pub(super) fn start(net: &Net, spec: &DaemonSpec) -> Result {
    if !netdevice::exists(net, spec.interface.as_bytes()) {
        return Err(ENODEV);
    }
    spec.role().map_err(of_request)?;
    if log::net_ratelimit() {
        pr_warn!("synchronisation daemons are not implemented yet\n");
    }
    Err(eopnotsupp())
}

/// Stops the daemon of the role with this number.
///
/// # Errors
///
/// `EINVAL` if there is no such role, else `ESRCH`.
pub(super) fn stop(role: u32) -> Result {
    DaemonRole::from_number(role).ok_or_else(|| of_request(UnknownRole))?;
    Err(ESRCH)
}
