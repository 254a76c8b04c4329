// SPDX-License-Identifier: GPL-2.0

//! From attributes to values. Unknown attributes are ignored, as later kernels will add some.

pub(crate) mod additions;
pub(crate) mod sync;

use ipvs_core::addr::{Addr, Family};
use ipvs_core::config::{DaemonRole, Name, Netmask, Tunnel};
use ipvs_core::conn::Method;
use ipvs_core::nla::{Attributes, Kind};
use ipvs_core::proto::Timeouts;
use ipvs_core::uapi::{daemon, dest, info, service, stats, top, NO_SCHEDULER};

use crate::error::Error;
use crate::key::{DestKey, ServiceKey};
use crate::types::{Daemon, Dest, DestSettings, Info, Rates, Service, ServiceSettings, Stats};

/// Reads attributes of types 1 to `N`, whatever their length: what is too short counts as absent.
fn read<const N: usize>(bytes: &[u8]) -> Result<Attributes<'_, N>, Error> {
    Attributes::parse(bytes, &[Kind::Any; N]).map_err(|_| Error::Malformed("an odd attribute"))
}

/// The nest of type `kind` at the top of a message.
fn nest(bytes: &[u8], kind: u16) -> Result<&[u8], Error> {
    read::<6>(bytes)?
        .bytes(kind)
        .ok_or(Error::Malformed("no nest of the kind that was asked for"))
}

/// A value that every kernel sends.
fn present<T>(value: Option<T>) -> Result<T, Error> {
    value.ok_or(Error::Malformed("an attribute less than expected"))
}

fn family(af: u16) -> Result<Family, Error> {
    Family::from_af(af).ok_or(Error::Malformed("an unknown address family"))
}

fn name(bytes: Option<&[u8]>) -> Result<Name, Error> {
    Name::new(present(bytes)?).ok_or(Error::Malformed("a name that is too long"))
}

/// The answer to `GET_INFO`.
pub(crate) fn info(bytes: &[u8]) -> Result<Info, Error> {
    let found = read::<2>(bytes)?;
    Ok(Info {
        version: present(found.u32(info::VERSION))?,
        table_size: present(found.u32(info::CONN_TAB_SIZE))?,
    })
}

/// The answer to `GET_CONFIG`.
pub(crate) fn timeouts(bytes: &[u8]) -> Result<Timeouts, Error> {
    let found = read::<6>(bytes)?;
    Ok(Timeouts {
        tcp_established: found.u32(top::TIMEOUT_TCP).unwrap_or(0),
        tcp_fin_wait: found.u32(top::TIMEOUT_TCP_FIN).unwrap_or(0),
        udp: found.u32(top::TIMEOUT_UDP).unwrap_or(0),
    })
}

/// A message of a dump of services.
pub(crate) fn service(bytes: &[u8]) -> Result<Service, Error> {
    let found = read::<12>(nest(bytes, top::SERVICE)?)?;
    let stats = stats(found.bytes(service::STATS64), found.bytes(service::STATS))?;
    Ok(Service {
        key: service_key(&found)?,
        settings: service_settings(&found)?,
        stats,
    })
}

fn service_key(found: &Attributes<'_, 12>) -> Result<ServiceKey, Error> {
    let family = family(present(found.u16(service::AF))?)?;
    Ok(match found.u32(service::FWMARK) {
        Some(mark) => ServiceKey::from_mark(family, mark),
        None => ServiceKey::Address {
            family,
            protocol: present(found.u16(service::PROTOCOL))?.into(),
            addr: Addr::from_v6(present(found.padded(service::ADDR))?),
            port: present(found.be16(service::PORT))?,
        },
    })
}

fn service_settings(found: &Attributes<'_, 12>) -> Result<ServiceSettings, Error> {
    Ok(ServiceSettings {
        scheduler: match found.string(service::SCHED_NAME) {
            Some(NO_SCHEDULER) => None,
            scheduler => Some(name(scheduler)?),
        },
        pe: match found.string(service::PE_NAME) {
            Some(b"") | None => None,
            pe => Some(name(pe)?),
        },
        flags: present(found.u32(service::FLAGS))?,
        timeout: present(found.u32(service::TIMEOUT))?,
        netmask: Netmask(present(found.padded(service::NETMASK))?),
    })
}

/// A message of a dump of servers, of a service of `family`.
pub(crate) fn dest(bytes: &[u8], of_service: Family) -> Result<Dest, Error> {
    let found = read::<15>(nest(bytes, top::DEST)?)?;
    Ok(Dest {
        key: dest_key(&found, of_service)?,
        settings: dest_settings(&found)?,
        active: found.u32(dest::ACTIVE_CONNS).unwrap_or(0),
        inactive: found.u32(dest::INACT_CONNS).unwrap_or(0),
        persistent: found.u32(dest::PERSIST_CONNS).unwrap_or(0),
        stats: stats(found.bytes(dest::STATS64), found.bytes(dest::STATS))?,
    })
}

fn dest_key(found: &Attributes<'_, 15>, of_service: Family) -> Result<DestKey, Error> {
    Ok(DestKey {
        family: match found.u16(dest::ADDR_FAMILY) {
            // Kernels before 3.18 say nothing.
            None | Some(0) => of_service,
            Some(af) => family(af)?,
        },
        addr: Addr::from_v6(present(found.padded(dest::ADDR))?),
        port: present(found.be16(dest::PORT))?,
    })
}

fn dest_settings(found: &Attributes<'_, 15>) -> Result<DestSettings, Error> {
    Ok(DestSettings {
        method: Method::from_bits(present(found.u32(dest::FWD_METHOD))?),
        weight: present(found.u32(dest::WEIGHT))?,
        upper: found.u32(dest::U_THRESH).unwrap_or(0),
        lower: found.u32(dest::L_THRESH).unwrap_or(0),
        tunnel: Tunnel {
            kind: found.u8(dest::TUN_TYPE).unwrap_or(0),
            port: found.be16(dest::TUN_PORT).unwrap_or(0),
            flags: found.u16(dest::TUN_FLAGS).unwrap_or(0),
        },
    })
}

/// Statistics: the exact ones, or those of a kernel that has no others.
fn stats(exact: Option<&[u8]>, old: Option<&[u8]>) -> Result<Stats, Error> {
    let found = read::<11>(exact.or(old).unwrap_or_default())?;
    // Of 64 bits, or of 32: the length tells.
    let number = |kind| -> u64 {
        let bytes = found.bytes(kind).unwrap_or_default();
        match (bytes.first_chunk(), bytes.first_chunk()) {
            (Some(&wide), _) => u64::from_ne_bytes(wide),
            (None, Some(&narrow)) => u64::from(u32::from_ne_bytes(narrow)),
            (None, None) => 0,
        }
    };
    Ok(Stats {
        connections: number(stats::CONNS),
        packets_in: number(stats::INPKTS),
        packets_out: number(stats::OUTPKTS),
        bytes_in: number(stats::INBYTES),
        bytes_out: number(stats::OUTBYTES),
        rates: Rates {
            connections: number(stats::CPS),
            packets_in: number(stats::INPPS),
            packets_out: number(stats::OUTPPS),
            bytes_in: number(stats::INBPS),
            bytes_out: number(stats::OUTBPS),
        },
    })
}

/// A message of a dump of daemons.
pub(crate) fn daemon(bytes: &[u8]) -> Result<Daemon, Error> {
    let found = read::<8>(nest(bytes, top::DAEMON)?)?;
    let role = daemon_role(&found)?;
    let group4 = found.padded::<4>(daemon::MCAST_GROUP);
    let group6 = found.padded::<16>(daemon::MCAST_GROUP6);
    Ok(Daemon {
        role,
        interface: name(found.string(daemon::MCAST_IFN))?,
        sync_id: present(found.u32(daemon::SYNC_ID))?,
        max_len: found.u16(daemon::SYNC_MAXLEN).unwrap_or(0),
        group: group6
            .map(|octets| (Family::V6, Addr::from_v6(octets)))
            .or(group4.map(|octets| (Family::V4, Addr::from_v4(octets)))),
        port: found.u16(daemon::MCAST_PORT).unwrap_or(0),
        ttl: found.u8(daemon::MCAST_TTL).unwrap_or(0),
    })
}

fn daemon_role(found: &Attributes<'_, 8>) -> Result<DaemonRole, Error> {
    DaemonRole::from_number(present(found.u32(daemon::STATE))?)
        .ok_or(Error::Malformed("an unknown state of a daemon"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::attributes::Attributes as Written;
    use ipvs_core::config::reply::AttributeSink;

    /// The answer of the C module to a listing after `ipvsadm -A -f 7 -s rr`, without statistics.
    #[test]
    fn reads_a_service_as_the_kernel_writes_it() {
        let mut out = Written::default();
        out.nest(top::SERVICE, |out| {
            out.put_u16(service::AF, 2)?;
            out.put_u32(service::FWMARK, 7)?;
            out.put(service::SCHED_NAME, b"rr\0")?;
            out.put(service::FLAGS, &[2, 0, 0, 0, 255, 255, 255, 255])?;
            out.put_u32(service::TIMEOUT, 0)?;
            out.put(service::NETMASK, &[255; 4])
        })
        .unwrap();
        let found = super::service(&out.0).unwrap();
        assert_eq!(found.key, ServiceKey::from_mark(Family::V4, 7));
        assert_eq!(found.settings.scheduler, Name::new(b"rr"));
        assert_eq!(found.settings.own_flags(), 0);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = super::service(&bytes);
            let _ = super::dest(&bytes, Family::V4);
            let _ = super::daemon(&bytes);
            let _ = super::info(&bytes);
            let _ = super::timeouts(&bytes);
            let _ = super::stats(Some(&bytes), None);
        }
    }
}
