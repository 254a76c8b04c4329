// SPDX-License-Identifier: GPL-2.0

//! The sockets of the daemons.

use core::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::atomic::Ordering::Relaxed,
};
use ipvs_core::addr::{Addr, Family};
use kernel::{alloc::KVec, prelude::*};
use knet::{
    kthread::{Current, Woken},
    log, netdevice, netfilter,
    socket::{PathMtuDiscovery, UdpSocket},
    time::HZ,
    vec::VecExt,
};

use super::launch::Launch;
use crate::model::{family::netfilter_family, settings::Settings};

/// The addresses of a thread: those that it sends to, and the one at which it listens.
struct Place {
    family: netfilter::Family,
    /// The group; [`None`] if peers are known by their addresses.
    group: Option<IpAddr>,
    /// The group or any address of this host, and the port.
    listens: SocketAddr,
    targets: KVec<SocketAddr>,
}

impl Place {
    /// The place of thread `index`.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    fn new(launch: &Launch<'_>, index: u32) -> Result<Self> {
        // CAST: Less than 64.
        let port = launch.spec.port.wrapping_add(index as u16);
        let at = |addr| {
            let mut place = SocketAddr::new(addr, port);
            if let SocketAddr::V6(place) = &mut place {
                // CAST: The number of a device is positive.
                place.set_scope_id(launch.device.index.number() as u32);
            }
            place
        };
        let mut targets = KVec::new();
        let Some(peers) = &launch.peers else {
            let (family, addr) = launch.spec.group.unwrap_or((Family::V4, Addr::ZERO));
            let group: IpAddr = match family {
                Family::V4 => addr.v4().into(),
                Family::V6 => addr.octets().into(),
            };
            targets.append(at(group))?;
            return Ok(Self {
                family: netfilter_family(family),
                group: Some(group),
                listens: at(group),
                targets,
            });
        };
        for addr in peers.addrs() {
            targets.append(at(addr))?;
        }
        let any: IpAddr = match peers.family {
            Family::V4 => Ipv4Addr::UNSPECIFIED.into(),
            Family::V6 => Ipv6Addr::UNSPECIFIED.into(),
        };
        Ok(Self {
            family: netfilter_family(peers.family),
            group: None,
            listens: SocketAddr::new(any, port),
            targets,
        })
    }

    /// A socket that sends by the device.
    fn socket(&self, launch: &Launch<'_>) -> Result<UdpSocket> {
        let socket = UdpSocket::new(launch.net, self.family)?;
        match self.group {
            Some(_) => {
                socket.set_multicast_device(launch.device.index)?;
                socket.set_multicast_loop(false)?;
                socket.set_multicast_hops(launch.spec.ttl)?;
            }
            None => socket.bind_to_device(launch.device.index)?,
        }
        Ok(socket)
    }
}

/// A socket, and the addresses that everything is sent to: the group, or each peer.
pub(super) struct Outlet {
    pub(super) socket: UdpSocket,
    pub(super) targets: KVec<SocketAddr>,
}

impl Outlet {
    /// Sends a datagram to a target. Waits for room, unless the thread is to end.
    ///
    /// # Errors
    ///
    /// `EAGAIN` if the thread is to end before there is room, or what the network says, such as `ENETUNREACH`.
    pub(super) fn send(&self, datagram: &[u8], target: SocketAddr, thread: &Current) -> Result {
        loop {
            match self.socket.send_to(datagram, target) {
                Err(EAGAIN) => {}
                done => return done,
            }
            if self.socket.wait_to_send(thread, HZ)? == Woken::Stopping {
                return Err(EAGAIN);
            }
        }
    }
}

/// The size of a buffer that the administrator wants, in bytes.
fn buffer_size(settings: &Settings) -> Option<u32> {
    let size = settings.sync_sock_size.load(Relaxed);
    u32::try_from(size).ok().filter(|&size| size > 0)
}

/// Logs an error of a socket, in the words of the C module. The owner of a user namespace can cause such lines.
fn complain(action: &str) {
    if log::net_ratelimit() {
        pr_err!("Error {action}\n");
    }
}

/// The outlet of thread `index` of a master, by the device.
///
/// # Errors
///
/// `ENETUNREACH` if the device is down, `EADDRNOTAVAIL` if it has no IPv6 address for a group of IPv6, `ENOMEM`.
pub(super) fn of_master(launch: &Launch<'_>, index: u32) -> Result<Outlet> {
    let (net, device) = (launch.net, launch.device);
    let place = Place::new(launch, index)?;
    let socket = place.socket(launch)?;
    if let Some(size) = buffer_size(&launch.ipvs.settings) {
        socket.set_send_buffer(size)?;
    }
    socket.set_path_mtu_discovery(PathMtuDiscovery::Never)?;
    // To peers, the route chooses the address: they may be on different networks.
    if place.family == netfilter::Family::V4 && place.group.is_some() {
        let addr = netdevice::select_address_v4(net, device.index);
        if addr.is_none() && log::net_ratelimit() {
            pr_err!("You probably need to specify IP address on multicast interface.\n");
        }
        let addr = addr.unwrap_or(Ipv4Addr::UNSPECIFIED);
        socket.bind(SocketAddr::new(addr.into(), 0))?;
    }
    if place.group.is_some() {
        let connected = socket.connect(place.listens);
        connected.inspect_err(|_| complain("connecting to the multicast addr"))?;
    }
    Ok(Outlet {
        socket,
        targets: place.targets,
    })
}

/// The socket of thread `index` of a backup: it gets what comes by the device to the group, or to this host from peers.
///
/// # Errors
///
/// `EADDRINUSE` if another socket has the port, `ENOMEM`.
pub(super) fn of_backup(launch: &Launch<'_>, index: u32) -> Result<UdpSocket> {
    listening(launch, index, complain)
}

/// The socket for messages of backups to thread `index` of a master. It gets what the socket of a backup gets. Peers answer to
/// the socket that a master sends with.
///
/// # Errors
///
/// As of [`of_backup`], without a line in the log: the master works without.
pub(super) fn listener(launch: &Launch<'_>, index: u32) -> Result<Option<UdpSocket>> {
    match &launch.peers {
        None => listening(launch, index, |_| {}).map(Some),
        Some(_) => Ok(None),
    }
}

/// A socket that listens on the port of thread `index`.
fn listening(launch: &Launch<'_>, index: u32, complain: impl Fn(&str)) -> Result<UdpSocket> {
    let (net, device) = (launch.net, launch.device);
    let place = Place::new(launch, index)?;
    let socket = UdpSocket::new(net, place.family)?;
    socket.set_reuse_address(place.group.is_some())?;
    if let Some(size) = buffer_size(&launch.ipvs.settings) {
        socket.set_receive_buffer(size)?;
    }
    socket.bind_to_device(device.index)?;
    let bound = socket.bind(place.listens);
    bound.inspect_err(|_| complain("binding to the multicast addr"))?;
    if let Some(group) = place.group {
        let joined = socket.join(group, device.index);
        joined.inspect_err(|_| complain("joining to the multicast group"))?;
    }
    Ok(socket)
}

/// The outlet by which thread `index` of a backup asks the group. The device may be down. [`None`] if peers are known: they are
/// asked at the address that they send from.
///
/// # Errors
///
/// `ENOMEM`, `ENODEV` if the device is gone.
pub(super) fn talker(launch: &Launch<'_>, index: u32) -> Result<Option<Outlet>> {
    let place = Place::new(launch, index)?;
    if place.group.is_none() {
        return Ok(None);
    }
    Ok(Some(Outlet {
        socket: place.socket(launch)?,
        targets: place.targets,
    }))
}

/// The address of this host from which datagrams to other directors come; an unspecified one if there is none.
///
/// # Errors
///
/// As of [`of_master`].
pub(super) fn own_address(launch: &Launch<'_>) -> Result<IpAddr> {
    let place = Place::new(launch, 0)?;
    let socket = place.socket(launch)?;
    if let Some(&target) = place.targets.first() {
        socket.connect(target)?;
    }
    Ok(socket.local_address()?.ip())
}
