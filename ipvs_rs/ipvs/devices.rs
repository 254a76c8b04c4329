// SPDX-License-Identifier: GPL-2.0

//! What happens to network devices, as far as it concerns us: routes by a device that is down are
//! not kept any longer, so that nothing keeps the device.

use knet::{
    net_namespace::{self, Net},
    netdevice::{Device, Watcher},
    rcu,
};

use crate::{netns::Ipvs, service::Cursor};

/// Services that are looked at in one read-side section.
const AT_ONCE: usize = 64;

/// Who is told.
pub struct Devices;

impl Watcher for Devices {
    fn is_down(net: &Net, device: &Device<'_>) {
        let mut cursor = Cursor::default();
        loop {
            let guard = rcu::read_lock();
            let Some(ipvs) = net_namespace::state::<Ipvs>(net, &guard) else {
                return;
            };
            for _ in 0..AT_ONCE {
                let Some(service) = ipvs.services.next(&mut cursor, &guard) else {
                    return;
                };
                if let Some(pool) = service.get().pool.load(&guard) {
                    for member in pool.members() {
                        member.routes.forget(device, &guard);
                    }
                }
            }
        }
    }
}
