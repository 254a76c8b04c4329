// SPDX-License-Identifier: GPL-2.0

//! What happens to network devices, as far as it concerns us: no route is kept when one goes, so
//! that nothing keeps the device.

use kernel::prelude::*;
use knet::{
    net_namespace::{self, Net},
    netdevice::Notifier,
    rcu,
};

use crate::model::{route, service::Cursor, Ipvs};

/// Services and servers that are looked at in one read-side section.
const AT_ONCE: usize = 1024;

/// Is told of devices that go.
pub struct Devices;

impl Notifier for Devices {
    /// Last of all: the device has left the routing tables by then, so no later lookup finds it.
    /// The C module is told first instead, and gives up those routes that leave by the device.
    const PRIORITY: c_int = c_int::MIN;

    /// All routes of the namespace are given up, as a route may keep a device that it does not
    /// leave by. They are looked up once more; those that the device's end has outdated would be, anyway.
    fn device_goes(net: &Net) {
        route::outdate();
        {
            let guard = rcu::read_lock();
            if let Some(ipvs) = net_namespace::state::<Ipvs>(net, &guard) {
                ipvs.passages.clear();
            }
        }
        let mut cursor = Cursor::default();
        loop {
            let guard = rcu::read_lock();
            let Some(ipvs) = net_namespace::state::<Ipvs>(net, &guard) else {
                return;
            };
            let mut passed = 0_usize;
            while passed < AT_ONCE {
                let Some(service) = ipvs.services.next(&mut cursor, &guard) else {
                    return;
                };
                passed = passed.saturating_add(1);
                if let Some(pool) = service.get().pool.load(&guard) {
                    let members = pool.members();
                    members.iter().for_each(|member| member.routes.clear());
                    passed = passed.saturating_add(members.len());
                }
            }
        }
    }
}
