// SPDX-License-Identifier: GPL-2.0

//! `setsockopt`: changes.

use ipvs_core::{
    config::{NominalTarget, ServiceKey},
    sockopt::{
        request::{self, Service},
        set, set_length, size,
    },
};
use kernel::prelude::*;
use knet::{
    net_namespace::Net,
    rcu::{self, Arc},
    sockopt::Value,
    time::HZ,
};

use super::ipvs;
use crate::{
    control::{configure, daemons, errno::of_request},
    model::{origin::Origin, Ipvs},
};

/// The longest of all values.
const LONGEST: usize = size::SERVICE_AND_DEST;

/// Makes one change.
pub(super) fn run(net: &Net, option: u32, value: &Value) -> Result {
    if set_length(option) != Some(value.length()) {
        return Err(EINVAL);
    }
    let mut room = [0; LONGEST];
    let bytes = value.read(&mut room)?;
    let ipvs = ipvs(net)?;
    let origin = Origin::elsewhere(net);
    match option {
        set::FLUSH => {
            configure::flush(&ipvs, origin);
            Ok(())
        }
        set::TIMEOUT => {
            // CAST: At most a few thousand.
            let change = request::timeouts(bytes, HZ as u32).map_err(of_request)?;
            configure::set_timeouts(&ipvs, origin, &change);
            Ok(())
        }
        set::START_DAEMON => {
            let spec = request::daemon(bytes).map_err(of_request)?;
            Ok(daemons::start(&ipvs, net, &spec)?)
        }
        set::STOP_DAEMON => {
            let state = request::daemon_state(bytes).ok_or(EINVAL)?;
            Ok(daemons::stop(&ipvs, state)?)
        }
        _ => about_service(&ipvs, origin, option, bytes),
    }
}

/// A change of a service or its servers.
fn about_service(ipvs: &Arc<Ipvs>, origin: Origin<'_>, option: u32, bytes: &[u8]) -> Result {
    let wanted = Service::read(bytes).map_err(of_request)?;
    if matches!(option, set::ADD | set::EDIT) {
        wanted.scheduler().map_err(of_request)?;
    }
    if option == set::ZERO && wanted.is_blank() {
        configure::zero_all(ipvs, origin);
        return Ok(());
    }
    wanted.check_protocol().map_err(of_request)?;
    let key = wanted.key();
    let nominal = nominal(ipvs, &key);
    if option == set::ADD {
        if nominal.is_ok() {
            return Err(EEXIST);
        }
        let spec = wanted.spec().map_err(of_request)?;
        return Ok(configure::add_service(ipvs, origin, key, &spec)?);
    }
    if nominal?.protocol != wanted.protocol() {
        return Err(ESRCH);
    }
    match option {
        set::EDIT => {
            let spec = wanted.spec().map_err(of_request)?;
            Ok(configure::edit_service(ipvs, origin, &key, &spec)?)
        }
        set::DELETE => Ok(configure::delete_service(ipvs, origin, &key)?),
        set::ZERO => Ok(configure::zero_service(ipvs, origin, &key)?),
        _ => about_server(ipvs, origin, option, &key, bytes),
    }
}

/// The target that the service of a key was configured for.
fn nominal(ipvs: &Ipvs, key: &ServiceKey) -> Result<NominalTarget> {
    let guard = rcu::read_lock();
    let service = ipvs.services.find(key, &guard).ok_or(ESRCH)?;
    Ok(service.nominal())
}

/// A change of the server that stands behind its service.
fn about_server(
    ipvs: &Arc<Ipvs>,
    origin: Origin<'_>,
    option: u32,
    service: &ServiceKey,
    bytes: &[u8],
) -> Result {
    let bytes = bytes.get(size::SERVICE..).unwrap_or_default();
    let key = request::dest_key(bytes).map_err(of_request)?;
    if option == set::DELETE_DEST {
        return Ok(configure::delete_dest(ipvs, origin, service, &key)?);
    }
    let spec = request::dest(bytes).map_err(of_request)?;
    match option {
        set::ADD_DEST => Ok(configure::add_dest(ipvs, origin, service, key, &spec)?),
        set::EDIT_DEST => Ok(configure::edit_dest(ipvs, origin, service, &key, &spec)?),
        _ => Err(EINVAL),
    }
}
