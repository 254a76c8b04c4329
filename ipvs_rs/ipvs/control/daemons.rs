// SPDX-License-Identifier: GPL-2.0

//! Commands about synchronisation daemons.

use ipvs_core::{
    addr::Family,
    config::{DaemonRole, DaemonSpec, Error::DaemonRole as UnknownRole},
};
use kernel::prelude::*;
use knet::{net_namespace::Net, rcu::Arc};

use super::refusal::Refusal;
use crate::{model::Ipvs, sync};

/// Starts a daemon.
///
/// # Errors
///
/// In this order: `ENODEV` if there is no such interface, `EEXIST` if the daemon runs, `EINVAL` if there is no such role, or
/// an error of [`sync::Daemons::start`].
pub(super) fn start(ipvs: &Arc<Ipvs>, net: &Net, spec: &DaemonSpec) -> Result<(), Refusal> {
    let mut daemons = ipvs.daemons.lock();
    let device = sync::device(net, spec);
    let device = device.map_err(Refusal::because("there is no such interface"))?;
    let role = spec.role()?;
    let started = daemons.start(ipvs, net, role, spec, device);
    started.map_err(|error| match error {
        error if error == EEXIST => Refusal::new(error, "the daemon runs already"),
        error if error == ENOMEM => error.into(),
        _ => Refusal::new(
            error,
            "the sockets of the daemon cannot be had on this interface",
        ),
    })
}

/// Whether a server has another family than its service. Messages about connections have one family.
pub(super) fn are_impossible(ipvs: &Ipvs) -> bool {
    [Family::V4, Family::V6]
        .into_iter()
        .any(|family| ipvs.servers.count_mixed(family) != 0)
}

/// Stops the daemon of the role with this number.
///
/// # Errors
///
/// `EINVAL` if there is no such role, `ESRCH` if the daemon does not run.
pub(super) fn stop(ipvs: &Ipvs, role: u32) -> Result<(), Refusal> {
    let role = DaemonRole::from_number(role).ok_or(UnknownRole)?;
    let stopped = ipvs.daemons.lock().stop(ipvs, role);
    stopped.map_err(Refusal::because("the daemon does not run"))
}
