// SPDX-License-Identifier: GPL-2.0

//! What IPVS shows in `/proc/net`, in the words that parsers have known for decades.

mod conns;
mod services;
mod stats;

use ipvs_core::addr::{Addr, Family};
use kernel::{fmt, prelude::*};
use knet::{net_namespace::Net, proc_seq::File, rcu::Arc};

use crate::netns::Ipvs;

/// The files of one namespace.
pub(crate) struct Files {
    services: File<Ipvs>,
    conns: File<Ipvs>,
    stats: File<Ipvs>,
}

impl Files {
    /// Makes the files.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn register(ipvs: &Arc<Ipvs>, net: &Net) -> Result<Self> {
        let services = File::rows::<services::Table>(net, ipvs.clone())?;
        let conns = match File::rows::<conns::Table>(net, ipvs.clone()) {
            Ok(conns) => conns,
            Err(error) => {
                services.remove(net);
                return Err(error);
            }
        };
        let stats = match File::show::<stats::Totals>(net, ipvs.clone()) {
            Ok(stats) => stats,
            Err(error) => {
                services.remove(net);
                conns.remove(net);
                return Err(error);
            }
        };
        Ok(Self {
            services,
            conns,
            stats,
        })
    }

    /// Removes the files. Waits for those who read them.
    pub(crate) fn unregister(self, net: &Net) {
        self.stats.remove(net);
        self.conns.remove(net);
        self.services.remove(net);
    }
}

/// An address as it stands in a column of its own.
struct Column(Family, Addr);

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self(Family::V4, addr) => addr.write_hex8(f),
            Self(Family::V6, addr) => addr.write_v6(f),
        }
    }
}

/// An address that a port follows.
struct WithPort(Family, Addr);

impl fmt::Display for WithPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self(Family::V4, addr) => addr.write_hex8(f),
            Self(Family::V6, addr) => {
                f.write_str("[")?;
                addr.write_v6(f)?;
                f.write_str("]")
            }
        }
    }
}

/// The name of a transport protocol. `IP` stands for none.
struct Protocol(u16);

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            0 => "IP",
            1 => "ICMP",
            6 => "TCP",
            17 => "UDP",
            58 => "ICMPv6",
            132 => "SCTP",
            other => return f.write_fmt(format_args!("IP_{other}")),
        };
        f.pad(name)
    }
}
