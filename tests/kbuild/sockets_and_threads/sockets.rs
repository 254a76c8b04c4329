// SPDX-License-Identifier: GPL-2.0

//! Tests of sockets that nobody waits for.

use core::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV6};
use kernel::{
    prelude::*,
    time::{delay::fsleep, Delta},
};
use knet::{
    errno,
    net_namespace::Net,
    netdevice,
    netfilter::Family,
    socket::{Datagram, PathMtuDiscovery, UdpSocket},
};

use crate::{
    checks::{comes_true, get, refused, want, Outcome},
    GROUP, GROUP6, LOCAL, LOCAL6, PORT,
};

/// Receives a datagram, which comes soon.
pub(crate) fn soon(socket: &UdpSocket, buffer: &mut [u8]) -> Result<Datagram> {
    let mut received = Err(EAGAIN);
    let _ = comes_true(|| {
        received = socket.receive(buffer);
        received.as_ref().err() != Some(&EAGAIN)
    });
    received
}

/// Whether nothing comes for a while.
fn stays_empty(socket: &UdpSocket) -> bool {
    fsleep(Delta::from_millis(30));
    socket.receive(&mut [0; 4]).err() == Some(EAGAIN)
}

pub(crate) fn datagrams_by_loopback(net: &Net, family: Family, local: SocketAddr) -> Outcome {
    let (one, two) = (
        get!(UdpSocket::new(net, family)),
        get!(UdpSocket::new(net, family)),
    );
    for socket in [&one, &two] {
        want!(get!(socket.local_address()).port() == 0);
        get!(socket.bind(local));
        get!(socket.set_path_mtu_discovery(PathMtuDiscovery::Never));
    }
    let (from, to) = (get!(one.local_address()), get!(two.local_address()));
    want!(from.ip() == local.ip() && from.port() != 0 && from.port() != to.port());
    let mut buffer = [0_u8; 8];
    refused!(two.receive(&mut buffer), EAGAIN);
    get!(one.send_to(b"hello", to));
    let datagram = get!(soon(&two, &mut buffer));
    want!(datagram.source == from && datagram.length == 5 && !datagram.is_truncated());
    want!(buffer == *b"hello\0\0\0");
    get!(one.send_to(b"exactly8", to));
    get!(one.send_to(b"more than eight", to));
    get!(one.send_to(b"", to));
    let datagram = get!(soon(&two, &mut buffer));
    want!(datagram.length == 8 && !datagram.is_truncated() && buffer == *b"exactly8");
    let datagram = get!(soon(&two, &mut buffer));
    want!(datagram.length == 8 && datagram.sent_length == 15 && datagram.is_truncated());
    want!(buffer == *b"more tha");
    let datagram = get!(soon(&two, &mut buffer));
    want!(datagram.length == 0 && datagram.sent_length == 0 && !datagram.is_truncated());
    // A buffer without room takes a datagram, too.
    get!(one.send_to(b"x", to));
    let datagram = get!(soon(&two, &mut []));
    want!(datagram.length == 0 && datagram.is_truncated());
    refused!(two.receive(&mut buffer), EAGAIN);
    Ok(())
}

pub(crate) fn peers(net: &Net) -> Outcome {
    let mut buffer = [0; 8];
    let [one, two, other] = [
        get!(UdpSocket::new(net, Family::V4)),
        get!(UdpSocket::new(net, Family::V4)),
        get!(UdpSocket::new(net, Family::V4)),
    ];
    for socket in [&one, &two, &other] {
        get!(socket.bind(LOCAL));
    }
    refused!(one.send(b"x"), errno::edestaddrreq());
    get!(one.connect(get!(two.local_address())));
    get!(one.send(b"hello"));
    want!(get!(soon(&two, &mut buffer)).source == get!(one.local_address()));
    get!(two.send_to(b"answer", get!(one.local_address())));
    want!(get!(soon(&one, &mut buffer)).length == 6);
    get!(other.send_to(b"not for you", get!(one.local_address())));
    want!(stays_empty(&one));
    let gone = get!(two.local_address());
    drop(two);
    get!(one.connect(gone));
    get!(one.send(b"anybody?"));
    refused!(soon(&one, &mut buffer), errno::econnrefused());
    refused!(one.receive(&mut buffer), EAGAIN);
    Ok(())
}

/// More than fits a datagram.
static TOO_LONG: [u8; 65_536] = [0; 65_536];

pub(crate) fn wrong_arguments(net: &Net) -> Outcome {
    let lo = get!(netdevice::by_name(net, b"lo").ok_or(ENODEV)).index;
    let socket = get!(UdpSocket::new(net, Family::V4));
    let refusal = |result: Result| result.err().map_or(0, Error::to_errno);
    let family = refusal(socket.bind(LOCAL6));
    want!(family == -97);
    want!(refusal(socket.connect(LOCAL6)) == family);
    want!(refusal(socket.send_to(b"x", LOCAL6)) == family);
    want!(refusal(socket.join(GROUP6.into(), lo)) == family);
    let strange = SocketAddr::new(Ipv4Addr::new(192, 0, 2, 77).into(), 1);
    refused!(socket.bind(strange), errno::eaddrnotavail());
    get!(socket.bind(LOCAL));
    refused!(socket.bind(LOCAL), EINVAL);
    let second = get!(UdpSocket::new(net, Family::V4));
    refused!(
        second.bind(get!(socket.local_address())),
        errno::eaddrinuse()
    );
    refused!(socket.join(Ipv4Addr::LOCALHOST.into(), lo), EINVAL);
    refused!(socket.leave(GROUP.into(), lo), errno::eaddrnotavail());
    get!(socket.join(GROUP.into(), lo));
    refused!(socket.join(GROUP.into(), lo), errno::eaddrinuse());
    get!(socket.leave(GROUP.into(), lo));
    get!(socket.connect(get!(socket.local_address())));
    for length in [65_508, 65_535, 65_536] {
        let data = TOO_LONG.get(..length).unwrap_or_default();
        refused!(socket.send(data), EMSGSIZE);
    }
    get!(socket.send(TOO_LONG.get(..65_507).unwrap_or_default()));
    let six = get!(UdpSocket::new(net, Family::V6));
    want!(refusal(six.bind(LOCAL)) == family);
    let mapped = Ipv4Addr::LOCALHOST.to_ipv6_mapped();
    want!(six
        .send_to(b"x", SocketAddr::new(mapped.into(), 9))
        .is_err());
    Ok(())
}

pub(crate) fn buffers(net: &Net) -> Outcome {
    let socket = get!(UdpSocket::new(net, Family::V4));
    get!(socket.set_send_buffer(50_000));
    want!(get!(socket.send_buffer()) == 100_000);
    get!(socket.set_receive_buffer(60_000));
    want!(get!(socket.receive_buffer()) == 120_000);
    get!(socket.set_send_buffer(0));
    get!(socket.set_receive_buffer(0));
    let least = (get!(socket.send_buffer()), get!(socket.receive_buffer()));
    want!(least.0 >= 2_048 && least.1 >= 2_048);
    get!(socket.set_send_buffer(u32::MAX));
    get!(socket.set_receive_buffer(u32::MAX));
    let most = (get!(socket.send_buffer()), get!(socket.receive_buffer()));
    want!(most.0 > 100_000 && most.0 < 1 << 30 && most.1 > 100_000 && most.1 < 1 << 30);
    Ok(())
}

/// A sender to a group on `d0`, and two members.
fn members(net: &Net, family: Family, group: SocketAddr) -> Result<[UdpSocket; 3]> {
    let device = netdevice::by_name(net, b"d0").ok_or(ENODEV)?.index;
    let sockets = [
        UdpSocket::new(net, family)?,
        UdpSocket::new(net, family)?,
        UdpSocket::new(net, family)?,
    ];
    let [sender, first, second] = &sockets;
    for member in [first, second] {
        member.set_reuse_address(true)?;
        member.bind_to_device(device)?;
        member.bind(group)?;
        member.join(group.ip(), device)?;
    }
    sender.set_multicast_device(device)?;
    sender.set_multicast_hops(1)?;
    sender.set_path_mtu_discovery(PathMtuDiscovery::Never)?;
    sender.connect(group)?;
    Ok(sockets)
}

pub(crate) fn multicast(net: &Net) -> Outcome {
    let device = get!(netdevice::by_name(net, b"d0").ok_or(ENODEV)).index;
    let [sender, first, second] = get!(members(
        net,
        Family::V4,
        SocketAddr::new(GROUP.into(), PORT)
    ));
    let own = netdevice::select_address_v4(net, device).map(IpAddr::V4);
    get_to_all(&sender, [&first, &second], own)?;
    get!(sender.set_multicast_loop(false));
    get!(sender.send(b"nobody hears"));
    want!(stays_empty(&first) && stays_empty(&second));
    get!(sender.set_multicast_loop(true));
    get!(first.leave(GROUP.into(), device));
    get!(second.leave(GROUP.into(), device));
    get!(sender.send(b"nobody is there"));
    want!(stays_empty(&second));
    Ok(())
}

pub(crate) fn multicast_v6(net: &Net) -> Outcome {
    let device = get!(netdevice::by_name(net, b"d0").ok_or(ENODEV)).index;
    let scope = device.number().unsigned_abs();
    let group = SocketAddrV6::new(GROUP6, PORT, 0, scope);
    let [sender, first, second] = get!(members(net, Family::V6, SocketAddr::V6(group)));
    get_to_all(&sender, [&first, &second], None)?;
    get!(sender.set_multicast_loop(false));
    get!(sender.send(b"nobody hears"));
    want!(stays_empty(&first) && stays_empty(&second));
    Ok(())
}

/// Each member gets one datagram, from the sender.
fn get_to_all(sender: &UdpSocket, members: [&UdpSocket; 2], own: Option<IpAddr>) -> Outcome {
    let mut buffer = [0; 8];
    get!(sender.send(b"to all"));
    for member in members {
        let datagram = get!(soon(member, &mut buffer));
        want!(datagram.length == 6);
        want!(datagram.source.port() == get!(sender.local_address()).port());
        want!(own.is_none_or(|own| datagram.source.ip() == own));
        want!(stays_empty(member));
    }
    Ok(())
}

pub(crate) fn devices(net: &Net) -> Outcome {
    let lo = get!(netdevice::by_name(net, b"lo").ok_or(ENODEV));
    let d0 = get!(netdevice::by_name(net, b"d0").ok_or(ENODEV));
    want!(lo.mtu == 65_536 && lo.is_up && d0.mtu == 1_400 && d0.is_up);
    want!(netdevice::by_index(net, d0.index) == Some(d0));
    let own = Some(Ipv4Addr::new(10, 9, 8, 7));
    want!(netdevice::select_address_v4(net, d0.index) == own);
    // Its own address is of this host only.
    want!(netdevice::select_address_v4(net, lo.index) == own);
    for name in [&b""[..], b"d", b"d00", b"a_name_that_no_device_may_have"] {
        want!(netdevice::by_name(net, name).is_none());
    }
    Ok(())
}
