// SPDX-License-Identifier: GPL-2.0

//! A socket of generic netlink: datagrams to and from the kernel.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use nix::poll::{poll, PollFd, PollFlags, PollTimeout};
use nix::sched::{setns, CloneFlags};
use nix::sys::socket::sockopt::{SetBool, SetUsize, SndBufForce};
use nix::sys::socket::{
    bind, recv, send, setsockopt, socket, AddressFamily, MsgFlags, NetlinkAddr, SockFlag,
    SockProtocol, SockType,
};

/// `NETLINK_EXT_ACK`: refusals say why, where the kernel can.
#[derive(Clone)]
struct ExtendedAcknowledgements;
nix::setsockopt_impl!(
    ExtendedAcknowledgements,
    libc::SOL_NETLINK,
    libc::NETLINK_EXT_ACK,
    bool,
    SetBool
);

/// `NETLINK_ADD_MEMBERSHIP`: the number of a multicast group.
#[derive(Clone)]
struct Membership;
nix::setsockopt_impl!(
    Membership,
    libc::SOL_NETLINK,
    libc::NETLINK_ADD_MEMBERSHIP,
    usize,
    SetUsize
);

/// A socket of generic netlink, which is closed when it is dropped.
pub(crate) struct Socket(OwnedFd);

impl Socket {
    /// Opens one in the network namespace of this thread.
    pub(crate) fn open() -> io::Result<Self> {
        let fd = socket(
            AddressFamily::Netlink,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC,
            SockProtocol::NetlinkGeneric,
        )?;
        bind(fd.as_raw_fd(), &NetlinkAddr::new(0, 0))?;
        setsockopt(&fd, ExtendedAcknowledgements, &true)?;
        Ok(Self(fd))
    }

    /// Opens one in another network namespace. A thread of its own enters that, and ends.
    pub(crate) fn open_in(namespace: BorrowedFd<'_>) -> io::Result<Self> {
        let open = || {
            setns(namespace, CloneFlags::CLONE_NEWNET)?;
            Self::open()
        };
        let opened = std::thread::scope(|scope| scope.spawn(open).join());
        opened.unwrap_or_else(|_| Err(io::Error::other("the thread in the namespace panicked")))
    }

    /// Joins a multicast group.
    pub(crate) fn join(&self, group: u32) -> io::Result<()> {
        let group = usize::try_from(group).map_err(io::Error::other)?;
        Ok(setsockopt(&self.0, Membership, &group)?)
    }

    /// Lets so many bytes be sent at once, which needs `CAP_NET_ADMIN`.
    pub(crate) fn make_room(&self, bytes: usize) -> io::Result<()> {
        Ok(setsockopt(&self.0, SndBufForce, &bytes)?)
    }

    /// Sends a datagram to the kernel.
    pub(crate) fn send(&self, bytes: &[u8]) -> io::Result<()> {
        send(self.0.as_raw_fd(), bytes, MsgFlags::empty())?;
        Ok(())
    }

    /// Waits for a datagram; its length, be it longer than the buffer.
    pub(crate) fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(recv(self.0.as_raw_fd(), buffer, MsgFlags::MSG_TRUNC)?)
    }

    /// Waits at most so long for something to receive; whether there is something.
    pub(crate) fn wait(&self, most: Duration) -> io::Result<bool> {
        let most = PollTimeout::try_from(most).unwrap_or(PollTimeout::MAX);
        let mut polled = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        Ok(poll(&mut polled, most)? != 0)
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
