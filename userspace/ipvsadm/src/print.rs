// SPDX-License-Identifier: GPL-2.0

//! What is shown. Each function makes text, none prints it.

pub mod connections;
pub mod json;
pub mod rules;
pub mod table;

use ipvs_netlink::{Daemon, DaemonRole, Dest, Family, Info, Service, ServiceKey, Timeouts};

use crate::command::SCHED_FLAGS;
use crate::names::ip;

/// How the table is shown: a line for each service, and one for each of its servers.
pub trait Form {
    /// Adds the line of a service.
    fn put_service(&self, out: &mut String, service: &Service);

    /// Adds the line of a server of a service.
    fn put_dest(&self, out: &mut String, service: &ServiceKey, dest: &Dest);
}

/// Adds the lines of services, each followed by those of its servers.
pub fn put_table(out: &mut String, form: &impl Form, table: &[(Service, Vec<Dest>)]) {
    for (service, dests) in table {
        form.put_service(out, service);
        for dest in dests {
            form.put_dest(out, &service.key, dest);
        }
    }
}

/// Adds blanks until what began at `start` has `width` characters, at most 40.
pub fn pad(out: &mut String, start: usize, width: usize) {
    const BLANKS: &str = "                                        ";
    let written = out.get(start..).map_or(0, |text| text.chars().count());
    out.push_str(BLANKS.get(written..width).unwrap_or_default());
}

/// The usage, by the name of the program.
pub fn usage(program: &str, info: Option<&Info>) -> String {
    let mut out = classic_version(info);
    out.push_str(&include_str!("print/usage.txt").replace("{program}", program));
    out.push_str(&include_str!("print/beyond.txt").replace("{program}", program));
    out
}

/// The line of `-v`.
pub fn version(info: Option<&Info>) -> String {
    let own = env!("CARGO_PKG_VERSION");
    format!(
        "{}Beyond 1.31: ipvsadm of ipvs_rs {own}, see `--help'\n",
        classic_version(info)
    )
}

/// The line of 1.31. Without a kernel to ask, there is no version of IPVS.
fn classic_version(info: Option<&Info>) -> String {
    let kernel = match info {
        Some(info) => format!("IPVS v{}", kernel_version(info)),
        None => "IPVS, which is not loaded or not to be asked".to_owned(),
    };
    format!("ipvsadm v1.31 2019/12/24 (compiled with popt and {kernel})\n")
}

/// The version of IPVS in the kernel.
pub fn kernel_version(info: &Info) -> String {
    let [_, major, minor, patch] = info.version.to_be_bytes();
    format!("{major}.{minor}.{patch}")
}

/// `--list --timeout`
pub fn timeouts(times: &Timeouts) -> String {
    let Timeouts {
        tcp_established,
        tcp_fin_wait,
        udp,
    } = times;
    format!("Timeout (tcp tcpfin udp): {tcp_established} {tcp_fin_wait} {udp}\n")
}

/// The name of what a daemon does.
pub const fn role(role: DaemonRole) -> &'static str {
    match role {
        DaemonRole::Master => "master",
        DaemonRole::Backup => "backup",
    }
}

/// The address of a multicast group.
pub fn group(daemon: &Daemon) -> String {
    daemon
        .group
        .map_or_else(String::new, |(family, addr)| ip(family, addr).to_string())
}

/// `--list --daemon`
pub fn daemons(daemons: &[Daemon]) -> String {
    let line = |daemon: &Daemon| {
        format!(
            "{} sync daemon (mcast={}, syncid={}, maxlen={}, group={}, port={}, ttl={})\n",
            role(daemon.role),
            text(daemon.interface.as_bytes()),
            daemon.sync_id,
            daemon.max_len,
            group(daemon),
            daemon.port,
            daemon.ttl
        )
    };
    daemons.iter().map(line).collect()
}

/// Bytes of the kernel as text.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The name of a scheduler.
pub fn scheduler(service: &Service) -> String {
    match &service.settings.scheduler {
        Some(name) => text(name.as_bytes()),
        None => text(ipvs_netlink::uapi::NO_SCHEDULER),
    }
}

/// The flags of a scheduler by name, with commas between.
pub fn sched_flags(service: &Service) -> String {
    let scheduler = scheduler(service);
    let own = |owner: Option<&str>| owner == Some(scheduler.as_str());
    // A scheduler's own names come before those of all.
    let any_own = SCHED_FLAGS.iter().any(|(_, owner, _)| own(*owner));
    let shown = SCHED_FLAGS.iter().filter(|(_, owner, bit)| {
        let named = match owner {
            Some(_) => own(*owner),
            None => !any_own || !SCHED_FLAGS.iter().any(|(_, o, b)| own(*o) && b == bit),
        };
        named && service.settings.has(*bit)
    });
    let mut names: Vec<(u32, &str)> = shown.map(|(name, _, bit)| (*bit, *name)).collect();
    names.sort_by_key(|(bit, _)| *bit);
    names
        .iter()
        .map(|(_, name)| *name)
        .collect::<Vec<_>>()
        .join(",")
}

/// The netmask, unless it is that of single clients.
pub fn netmask(service: &Service) -> Option<String> {
    let mask = service.settings.netmask;
    let family = service.key.family();
    if mask == ipvs_netlink::ServiceSettings::single_clients(family) {
        return None;
    }
    Some(match family {
        Family::V4 => std::net::Ipv4Addr::from(mask.0).to_string(),
        Family::V6 => u32::from_ne_bytes(mask.0).to_string(),
    })
}

/// Services in the order of listings: by family, protocol, address and port; marks come last.
pub fn sort_services(services: &mut [Service]) {
    services.sort_by_key(|service| match service.key {
        ServiceKey::Address {
            family,
            protocol,
            addr,
            port,
        } => (false, family.af(), protocol.number(), addr, u32::from(port)),
        ServiceKey::Mark { family, mark } => (
            true,
            0,
            0,
            ipvs_netlink::Addr::from_v4(mark.to_be_bytes()),
            u32::from(family.af()),
        ),
    });
}

/// Servers in the order of listings: by address and port.
pub fn sort_dests(dests: &mut [Dest]) {
    dests.sort_by_key(|dest| (dest.key.addr, dest.key.port));
}
