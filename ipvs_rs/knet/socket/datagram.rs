// SPDX-License-Identifier: GPL-2.0

//! Sending, receiving, and waiting until that can be done.

use core::{net::SocketAddr, ptr::null_mut};
use ipvs_sys as bindings;
use kernel::prelude::*;

use super::{address::RawAddress, UdpSocket};
use crate::kthread::{Current, Woken};

/// What was received, besides the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// How many bytes of the datagram are in the buffer.
    pub length: usize,
    /// How many it was sent with. If these are more, then the rest is lost.
    pub sent_length: usize,
    /// Who has sent it.
    pub source: SocketAddr,
}

impl Datagram {
    /// Whether the buffer had no room for all of it.
    pub fn is_truncated(&self) -> bool {
        self.sent_length > self.length
    }
}

impl UdpSocket {
    /// Receives a datagram into `buffer`, if there is one. An empty one is a datagram, too.
    ///
    /// # Errors
    ///
    /// `EAGAIN` if there is none, also after [`UdpSocket::shut_down`]; `ESHUTDOWN` if the socket is closed; or once what
    /// the peer or a router has answered to something that was sent, such as `ECONNREFUSED`.
    pub fn receive(&self, buffer: &mut [u8]) -> Result<Datagram> {
        let mut raw = RawAddress::empty();
        let sent = self.open.socket.with(|socket| {
            // SAFETY: The socket is open. C writes to the buffer as many bytes as it has, and an address, for which there is
            // room.
            length(unsafe {
                bindings::socket_receive(
                    socket,
                    buffer.as_mut_ptr().cast(),
                    buffer.len(),
                    raw.as_mut_ptr().cast(),
                )
            })
        })?;
        Ok(Datagram {
            length: sent.min(buffer.len()),
            sent_length: sent,
            source: raw.read(self.family),
        })
    }

    /// Sends a datagram to the peer of [`UdpSocket::connect`].
    ///
    /// # Errors
    ///
    /// `EAGAIN` if there is no room: see [`UdpSocket::wait_to_send`]. `EMSGSIZE` for more than fits a datagram,
    /// `EDESTADDRREQ` without a peer, `EPIPE` after [`UdpSocket::shut_down`], `ESHUTDOWN` if the socket is closed, `ENOBUFS`, `ENOMEM`; what
    /// the route or a firewall says; or what was answered to an earlier datagram.
    pub fn send(&self, data: &[u8]) -> Result {
        self.open.socket.with(|socket| {
            // SAFETY: The socket is open, and C reads the bytes during the call.
            length(unsafe {
                bindings::socket_send(socket, data.as_ptr().cast(), data.len(), null_mut(), 0)
            })
        })?;
        Ok(())
    }

    /// Sends a datagram to `destination`.
    ///
    /// # Errors
    ///
    /// As of [`UdpSocket::send`], and `EAFNOSUPPORT` for a destination of another version of IP.
    pub fn send_to(&self, data: &[u8], destination: SocketAddr) -> Result {
        let mut raw = RawAddress::new(destination, self.family)?;
        self.open.socket.with(|socket| {
            // SAFETY: The socket is open, and C reads the bytes and the address during the call.
            length(unsafe {
                bindings::socket_send(
                    socket,
                    data.as_ptr().cast(),
                    data.len(),
                    raw.as_mut_ptr().cast(),
                    raw.length(),
                )
            })
        })?;
        Ok(())
    }

    /// Sleeps until there is something to receive, or `thread` is to end, or `ticks` have passed.
    ///
    /// That something is there does not mean that it can be received: its checksum may be wrong, another thread faster.
    ///
    /// # Errors
    ///
    /// `ESHUTDOWN` after [`UdpSocket::shut_down`], and if the socket is closed, unless the thread is to end.
    pub fn wait_to_receive(&self, thread: &Current, ticks: usize) -> Result<Woken> {
        self.wait(thread, ticks, false)
    }

    /// Sleeps until half of the buffer for sending is free, or `thread` is to end, or `ticks` have passed.
    ///
    /// # Errors
    ///
    /// As of [`UdpSocket::wait_to_receive`].
    pub fn wait_to_send(&self, thread: &Current, ticks: usize) -> Result<Woken> {
        self.wait(thread, ticks, true)
    }

    fn wait(&self, thread: &Current, ticks: usize, output: bool) -> Result<Woken> {
        // CAST: The bits of a length of time; more than half of what fits is as good as for ever.
        let ticks = ticks.min(isize::MAX as usize);
        let outcome = self.open.socket.with(|socket| {
            // SAFETY: The socket is open, and one of UDP. The current task is a kernel thread, as there is a `Current`, and C
            // asks that whether it is to end.
            let status = unsafe { bindings::socket_wait(socket, output, ticks) };
            match status < 0 {
                true => Err(Error::from_errno(status)),
                false => Ok(status != 0),
            }
        });
        if thread.should_stop() {
            return Ok(Woken::Stopping);
        }
        outcome.map(|is_ready| match is_ready {
            true => Woken::Ready,
            false => Woken::TimedOut,
        })
    }
}

/// A length that C returns, or an error.
fn length(status: c_int) -> Result<usize> {
    usize::try_from(status).map_err(|_| Error::from_errno(status))
}
