// SPDX-License-Identifier: GPL-2.0

//! What IPVS shows in `/proc/net`, in the words that parsers have known for decades.

mod app;
mod conn_sync;
mod conns;
mod drops;
mod early;
mod services;
mod stats;
mod status;
mod sync;

use ipvs_core::addr::{Addr, Family};
use kernel::{alloc::KVec, fmt, prelude::*};
use knet::{net_namespace::Net, proc_seq::File, rcu::Arc, vec::VecExt};

use crate::model::Ipvs;

/// The files of one namespace.
pub(crate) struct ProcFiles(KVec<File<Ipvs>>);

/// Makes one of the files.
type Make = fn(&Net, Arc<Ipvs>) -> Result<File<Ipvs>>;

impl ProcFiles {
    /// Makes the files.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn register(ipvs: &Arc<Ipvs>, net: &Net) -> Result<Self> {
        let all: [Make; 10] = [
            File::rows::<services::ServiceRows>,
            File::rows::<conns::ConnRows>,
            File::rows::<conn_sync::ConnSyncRows>,
            File::rows::<app::HelperRows>,
            File::show::<status::Status>,
            File::show::<stats::Totals>,
            File::show::<stats::PerCpu>,
            File::show::<drops::DropCounts>,
            File::show::<early::EarlyCounts>,
            File::show::<sync::SyncCounts>,
        ];
        let mut files = Self(KVec::with_capacity(all.len(), GFP_KERNEL_ACCOUNT)?);
        for make in all {
            let made = make(net, ipvs.clone());
            // There is room, so no file is lost here.
            let kept = made.and_then(|file| files.0.append(file));
            if let Err(error) = kept {
                files.unregister(net);
                return Err(error);
            }
        }
        Ok(files)
    }

    /// Removes the files. Waits for those who read them.
    pub(crate) fn unregister(self, net: &Net) {
        for file in self.0 {
            file.remove(net);
        }
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
