// SPDX-License-Identifier: GPL-2.0

//! The sockets of the daemons.

use core::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::atomic::Ordering::Relaxed,
};
use ipvs_core::{
    addr::{Addr, Family},
    config::DaemonSpec,
};
use kernel::prelude::*;
use knet::{
    log,
    netdevice::{self, Device},
    netfilter,
    socket::{PathMtuDiscovery, UdpSocket},
};

use super::launch::Launch;
use crate::model::{family::netfilter_family, settings::Settings};

/// The group and the port of a thread.
struct Group {
    family: netfilter::Family,
    addr: IpAddr,
    peer: SocketAddr,
}

impl Group {
    fn new(spec: &DaemonSpec, device: Device, index: u32) -> Self {
        // CAST: Less than 64.
        let port = spec.port.wrapping_add(index as u16);
        let (family, addr) = spec.group.unwrap_or((Family::V4, Addr::ZERO));
        let addr: IpAddr = match family {
            Family::V4 => addr.v4().into(),
            Family::V6 => addr.octets().into(),
        };
        let mut peer = SocketAddr::new(addr, port);
        if let SocketAddr::V6(peer) = &mut peer {
            // CAST: The number of a device is positive.
            peer.set_scope_id(device.index.number() as u32);
        }
        Self {
            family: netfilter_family(family),
            addr,
            peer,
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

/// The socket of thread `index` of a master: what is sent goes to the group, by the device.
///
/// # Errors
///
/// `ENETUNREACH` if the device is down, `EADDRNOTAVAIL` if it has no IPv6 address for a group of IPv6, `ENOMEM`.
pub(super) fn of_master(launch: &Launch<'_>, index: u32) -> Result<UdpSocket> {
    let (net, device) = (launch.net, launch.device);
    let group = Group::new(launch.spec, device, index);
    let socket = UdpSocket::new(net, group.family)?;
    if let Some(size) = buffer_size(&launch.ipvs.settings) {
        socket.set_send_buffer(size)?;
    }
    socket.set_multicast_device(device.index)?;
    socket.set_multicast_loop(false)?;
    socket.set_multicast_hops(launch.spec.ttl)?;
    socket.set_path_mtu_discovery(PathMtuDiscovery::Never)?;
    if group.family == netfilter::Family::V4 {
        let addr = netdevice::select_address_v4(net, device.index);
        if addr.is_none() && log::net_ratelimit() {
            pr_err!("You probably need to specify IP address on multicast interface.\n");
        }
        let addr = addr.unwrap_or(Ipv4Addr::UNSPECIFIED);
        socket.bind(SocketAddr::new(addr.into(), 0))?;
    }
    let connected = socket.connect(group.peer);
    connected.inspect_err(|_| complain("connecting to the multicast addr"))?;
    Ok(socket)
}

/// The socket of thread `index` of a backup: it gets what comes by the device to the group.
///
/// # Errors
///
/// `EADDRINUSE` if another socket has the port, `ENOMEM`.
pub(super) fn of_backup(launch: &Launch<'_>, index: u32) -> Result<UdpSocket> {
    member(launch, index, complain)
}

/// The socket for messages of backups to thread `index` of a master. It gets what the socket of a backup gets.
///
/// # Errors
///
/// As of [`of_backup`], without a line in the log: the master works without.
pub(super) fn listener(launch: &Launch<'_>, index: u32) -> Result<UdpSocket> {
    member(launch, index, |_| {})
}

/// A socket in the group, on the port of thread `index`.
fn member(launch: &Launch<'_>, index: u32, complain: impl Fn(&str)) -> Result<UdpSocket> {
    let (net, device) = (launch.net, launch.device);
    let group = Group::new(launch.spec, device, index);
    let socket = UdpSocket::new(net, group.family)?;
    socket.set_reuse_address(true)?;
    if let Some(size) = buffer_size(&launch.ipvs.settings) {
        socket.set_receive_buffer(size)?;
    }
    socket.bind_to_device(device.index)?;
    let bound = socket.bind(group.peer);
    bound.inspect_err(|_| complain("binding to the multicast addr"))?;
    let joined = socket.join(group.addr, device.index);
    joined.inspect_err(|_| complain("joining to the multicast group"))?;
    Ok(socket)
}

/// The socket by which thread `index` of a backup asks, and the group that it asks. The device may be down.
///
/// # Errors
///
/// `ENOMEM`, `ENODEV` if the device is gone.
pub(super) fn talker(launch: &Launch<'_>, index: u32) -> Result<(UdpSocket, SocketAddr)> {
    let group = Group::new(launch.spec, launch.device, index);
    let socket = UdpSocket::new(launch.net, group.family)?;
    socket.set_multicast_device(launch.device.index)?;
    socket.set_multicast_loop(false)?;
    socket.set_multicast_hops(launch.spec.ttl)?;
    Ok((socket, group.peer))
}
