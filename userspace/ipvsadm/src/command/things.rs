// SPDX-License-Identifier: GPL-2.0

//! Services, servers and daemons, as options describe them.

use ipvs_netlink::uapi::{service_flags, SCHEDULER_NAME_MAX};
use ipvs_netlink::{
    DaemonRole, DaemonSettings, DestKey, DestSettings, Method, Name, ServiceKey, ServiceSettings,
};

use super::{missing, tunnel};
use crate::cli::Typed;
use crate::error::Failure;
use crate::names::Protocol;
use crate::options::Flag;
use crate::remark;

pub(super) fn supplied_service(typed: &Typed) -> Result<ServiceKey, Failure> {
    typed
        .service
        .ok_or_else(|| missing("service-address", typed.verb))
}

pub(super) fn supplied_server(typed: &Typed) -> Result<DestKey, Failure> {
    let server = typed
        .server
        .ok_or_else(|| missing("real-server", typed.verb))?;
    Ok(DestKey {
        family: server.family,
        addr: server.addr,
        port: server.port.unwrap_or(0),
    })
}

/// The scheduler; `wlc` also for an empty name.
fn scheduler(typed: &Typed) -> &str {
    typed
        .scheduler
        .as_deref()
        .filter(|name| !name.is_empty())
        .unwrap_or("wlc")
}

/// A name, cut to the length that the kernel takes.
fn cut(name: &str, max: usize) -> Option<Name> {
    let bytes = name.as_bytes();
    Name::new(bytes.get(..max).unwrap_or(bytes))
}

/// The names of scheduler flags: which scheduler has them, and what they are.
pub const SCHED_FLAGS: &[(&str, Option<&str>, u32)] = &[
    ("flag-1", None, service_flags::SCHED1),
    ("flag-2", None, service_flags::SCHED2),
    ("flag-3", None, service_flags::SCHED3),
    ("sh-fallback", Some("sh"), service_flags::SCHED1),
    ("sh-port", Some("sh"), service_flags::SCHED2),
    ("mh-fallback", Some("mh"), service_flags::SCHED1),
    ("mh-port", Some("mh"), service_flags::SCHED2),
];

pub(super) fn scheduler_flags(typed: &Typed) -> Result<u32, Failure> {
    let mut flags = 0;
    for name in typed.sched_flags.iter().flat_map(|list| list.split(',')) {
        if name.is_empty() {
            continue;
        }
        match SCHED_FLAGS.iter().find(|(known, ..)| *known == name) {
            None => {
                let known = SCHED_FLAGS.iter().map(|(known, ..)| *known);
                return Err(Failure::usage(format!("invalid scheduler flag `{name}'"))
                    .with(remark::none_of(name, known)));
            }
            Some((_, Some(owner), _)) if *owner != scheduler(typed) => {
                return Err(
                    Failure::usage(format!("incompatible scheduler flag `{name}'"))
                        .with(format_args!("it is one of the scheduler {owner}")),
                );
            }
            Some((.., bit)) => flags |= bit,
        }
    }
    Ok(flags)
}

pub(super) fn whole_service(
    typed: &Typed,
    flags: u32,
) -> Result<(ServiceKey, ServiceSettings), Failure> {
    let key = supplied_service(typed)?;
    if let ServiceKey::Address { port: 0, .. } = key {
        if typed.persistent.is_none() {
            return Err(
                Failure::usage("Zero port specified for non-persistent service")
                    .with("give a port, or -p for a service of all ports"),
            );
        }
    }
    let mut flags = flags;
    if typed.has(Flag::OnePacket) {
        if matches!(key, ServiceKey::Address { protocol, .. } if protocol != Protocol::Udp.into()) {
            return Err(Failure::usage(
                "One-Packet Scheduling is only for UDP virtual services",
            ));
        }
        flags |= service_flags::ONE_PACKET;
    }
    if typed.persistent.is_some() {
        flags |= service_flags::PERSISTENT;
    }
    let unknown = || Failure::kernel("Scheduler or persistence engine not found");
    let pe = match typed.pe.as_deref() {
        None | Some("") => None,
        Some(name) => Some(cut(name, SCHEDULER_NAME_MAX).ok_or_else(unknown)?),
    };
    let scheduler = cut(scheduler(typed), SCHEDULER_NAME_MAX).ok_or_else(unknown)?;
    let mut settings = ServiceSettings::new(key.family())
        .with_scheduler(Some(scheduler))
        .with_engine(pe)
        .with_flags(flags)
        .with_netmask(typed.netmask());
    settings.timeout = typed.persistent.unwrap_or(0);
    Ok((key, settings))
}

pub(super) fn whole_server(typed: &Typed) -> Result<(ServiceKey, DestKey, DestSettings), Failure> {
    let key = supplied_service(typed)?;
    let mut server = supplied_server(typed)?;
    let method = typed.method.unwrap_or(Method::DirectRoute);
    if server.family != key.family() && method != Method::Tunnel {
        return Err(Failure::usage(
            "Different address family is allowed only for tunneling servers",
        )
        .with("a tunnel is -i"));
    }
    let tunnel = tunnel::options(typed, method)?;
    // Only NAT can change the port.
    if let ServiceKey::Address { port, .. } = key {
        if method != Method::Nat {
            server.port = port;
        }
    }
    let settings = DestSettings::new(method, typed.weight.unwrap_or(1))
        .with_thresholds(typed.lower.unwrap_or(0), typed.upper.unwrap_or(0))
        .with_tunnel(tunnel);
    Ok((key, server, settings))
}

pub(super) fn daemon(typed: &Typed) -> Result<DaemonSettings, Failure> {
    let unknown = || Failure::kernel("No such device");
    let interface = typed.interface.as_deref().filter(|name| !name.is_empty());
    let interface = cut(interface.unwrap_or("eth0"), SCHEDULER_NAME_MAX).ok_or_else(unknown)?;
    let role = typed.role.unwrap_or(DaemonRole::Master);
    let mut daemon = DaemonSettings::new(role, interface, typed.sync_id.unwrap_or(0));
    daemon.max_len = typed.max_len.unwrap_or(0);
    daemon.group = typed.group;
    daemon.port = typed.mcast_port.unwrap_or(0);
    daemon.ttl = typed.ttl.unwrap_or(0);
    Ok(daemon)
}
