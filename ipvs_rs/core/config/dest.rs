// SPDX-License-Identifier: GPL-2.0

//! A real server: what identifies it, and what can be changed of it.

use super::{Error, Tunnel};
use crate::addr::{Addr, Family};
use crate::conn::Method;
use crate::uapi;

/// What identifies a real server in its service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DestKey {
    /// The family of `addr`.
    pub family: Family,
    /// The address, in network order.
    pub addr: Addr,
    /// The port in host order; 0 for the port that the packet was sent to.
    pub port: u16,
}

/// All that can be changed of a real server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DestSpec {
    method: Method,
    conn_flags: u32,
    weight: u32,
    upper: u32,
    lower: u32,
    tunnel: Tunnel,
}

impl DestSpec {
    /// Checks the settings that a client asks for, in the order in which the C module does.
    ///
    /// `upper` and `lower` are numbers of connections.
    ///
    /// # Errors
    ///
    /// [`Error::NegativeWeight`], [`Error::LowerThreshold`], [`Error::UpperThreshold`] or
    /// [`Error::TunnelPort`].
    pub const fn new(
        method: Method,
        weight: i32,
        upper: u32,
        lower: u32,
        tunnel: Tunnel,
    ) -> Result<Self, Error> {
        if weight < 0 {
            Err(Error::NegativeWeight)
        } else if lower > upper {
            Err(Error::LowerThreshold)
        } else if upper > i32::MAX as u32 {
            Err(Error::UpperThreshold)
        } else if tunnel.kind == uapi::tunnel::GUE && tunnel.port == 0 {
            Err(Error::TunnelPort)
        } else {
            Ok(Self {
                method,
                conn_flags: method.bits(),
                weight: weight as u32,
                upper,
                lower,
                tunnel,
            })
        }
    }

    /// The same settings with these flags for the connections to the server: see
    /// [`ConnFlags::for_server`](crate::conn::ConnFlags::for_server).
    #[must_use]
    pub const fn with_conn_flags(mut self, flags: u32) -> Self {
        self.conn_flags = flags;
        self
    }

    /// The flags that the client asked for. Their low three bits are the forwarding method.
    pub const fn conn_flags(&self) -> u32 {
        self.conn_flags
    }

    /// The forwarding method.
    #[inline]
    pub const fn method(&self) -> Method {
        self.method
    }

    /// The weight, at most `i32::MAX`. A server of weight 0 gets no new connections.
    #[inline]
    pub const fn weight(&self) -> u32 {
        self.weight
    }

    /// The number of connections from which on the server is overloaded, at most `i32::MAX`; 0 for
    /// no limit.
    #[inline]
    pub const fn upper(&self) -> u32 {
        self.upper
    }

    /// The number of connections below which an overloaded server has recovered, at most
    /// [`upper`](Self::upper); 0 for three quarters of the upper threshold.
    #[inline]
    pub const fn lower(&self) -> u32 {
        self.lower
    }

    /// The tunnel, which the method [`Method::Tunnel`] uses.
    #[inline]
    pub const fn tunnel(&self) -> Tunnel {
        self.tunnel
    }
}
