// SPDX-License-Identifier: GPL-2.0

//! Commands about synchronisation daemons, of which there is none yet: who asks to start one is
//! told what is wrong with the request, or else that it cannot be done.

use ipvs_core::config::{request, DaemonRole, DaemonSpec, Error::DaemonRole as UnknownRole};
use kernel::prelude::*;
use knet::{
    errno::eopnotsupp,
    genetlink::{Do, Dump, Page, Request},
    log,
    net_namespace::Net,
    netdevice,
};

use super::attributes;
use crate::errno::of_request;

/// `NEW_DAEMON`.
pub(super) struct New;

impl Do for New {
    fn run(request: &Request) -> Result {
        let nest = attributes(request)?.daemon().map_err(of_request)?;
        let spec = request::daemon(nest).map_err(of_request)?;
        let started = start(request.net(), &spec);
        if started == Err(eopnotsupp()) {
            request.explain(c"synchronisation daemons are not implemented yet");
        }
        started
    }
}

/// Starts a daemon.
///
/// # Errors
///
/// `ENODEV` if there is no such interface, `EINVAL` if there is no such role, else `EOPNOTSUPP`.
pub(crate) fn start(net: &Net, spec: &DaemonSpec) -> Result {
    if !netdevice::exists(net, spec.interface.as_bytes()) {
        return Err(ENODEV);
    }
    spec.role().map_err(of_request)?;
    if log::ratelimit() {
        pr_warn!("synchronisation daemons are not implemented yet\n");
    }
    Err(eopnotsupp())
}

/// Stops the daemon of the role with this number.
///
/// # Errors
///
/// `EINVAL` if there is no such role, else `ESRCH`.
pub(crate) fn stop(role: u32) -> Result {
    DaemonRole::from_number(role).ok_or_else(|| of_request(UnknownRole))?;
    Err(ESRCH)
}

/// `DEL_DAEMON`.
pub(super) struct Delete;

impl Do for Delete {
    fn run(request: &Request) -> Result {
        let nest = attributes(request)?.daemon().map_err(of_request)?;
        request::daemon_role(nest).map_err(of_request)?;
        Err(ESRCH)
    }
}

/// `GET_DAEMON`.
pub(super) struct GetAll;

impl Dump for GetAll {
    type Cursor = ();

    fn run(_request: &Request, _page: &mut Page<'_>, _cursor: &mut ()) -> Result {
        Ok(())
    }
}
