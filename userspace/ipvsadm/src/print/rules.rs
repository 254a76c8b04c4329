// SPDX-License-Identifier: GPL-2.0

//! The table as rules, which `--restore` reads.

use ipvs_netlink::uapi::{service_flags, tunnel};
use ipvs_netlink::{
    DaemonSettings, Dest, DestKey, DestSettings, Family, Method, Request, Service, ServiceKey,
    ServiceSettings, Stats,
};

use super::{netmask, sched_flags, scheduler, text, Form};
use crate::command::tunnel::flags as tunnel_flags;
use crate::names::{Names, Protocol};

/// The option that names a service.
pub fn service_key(names: &Names, key: &ServiceKey) -> String {
    match key {
        ServiceKey::Mark {
            family: Family::V4,
            mark,
        } => format!("-f {mark}"),
        ServiceKey::Mark {
            family: Family::V6,
            mark,
        } => format!("-f {mark} -6"),
        ServiceKey::Address {
            family,
            protocol,
            addr,
            port,
        } => {
            let protocol = Protocol::from_number(*protocol);
            let option = match protocol {
                Some(Protocol::Udp) => "-u",
                Some(Protocol::Sctp) => "--sctp-service",
                Some(Protocol::Tcp) | None => "-t",
            };
            format!(
                "{option} {}",
                names.endpoint(*family, *addr, *port, protocol)
            )
        }
    }
}

/// The options with the settings of a service.
pub fn service_settings(service: &Service) -> String {
    let settings = &service.settings;
    let mut out = format!("-s {}", scheduler(service));
    if settings.has(service_flags::PERSISTENT) {
        out.push_str(&format!(" -p {}", settings.timeout));
        if let Some(mask) = netmask(service) {
            out.push_str(&format!(" -M {mask}"));
        }
    }
    if let Some(pe) = settings.pe {
        out.push_str(&format!(" --pe {}", text(pe.as_bytes())));
    }
    if settings.has(service_flags::ONE_PACKET) {
        out.push_str(" -o");
    }
    let flags = sched_flags(service);
    if !flags.is_empty() {
        out.push_str(&format!(" -b {flags}"));
    }
    out
}

/// The table as the rules that would make it.
pub struct Rules<'a> {
    /// Names or numbers.
    pub names: &'a Names,
}

impl Form for Rules<'_> {
    fn service(&self, service: &Service) -> String {
        format!(
            "-A {} {}\n",
            service_key(self.names, &service.key),
            service_settings(service)
        )
    }

    fn dest(&self, service: &ServiceKey, dest: &Dest) -> String {
        format!(
            "-a {} {} {}\n",
            service_key(self.names, service),
            dest_key(self.names, service, &dest.key),
            dest_settings(&dest.settings)
        )
    }
}

/// The option that names a server.
pub fn dest_key(names: &Names, service: &ServiceKey, key: &DestKey) -> String {
    format!("-r {}", names.server(service, key))
}

/// The options with the settings of a server.
pub fn dest_settings(settings: &DestSettings) -> String {
    let method = match settings.method {
        Method::Tunnel => "-i",
        Method::Nat => "-m",
        _ => "-g",
    };
    let mut out = format!("{method} -w {}", settings.weight);
    if settings.method == Method::Tunnel {
        out.push_str(&tunnel_settings(settings));
    }
    if settings.upper != 0 {
        out.push_str(&format!(" -x {}", settings.upper));
    }
    if settings.lower != 0 {
        out.push_str(&format!(" -y {}", settings.lower));
    }
    out
}

fn tunnel_settings(settings: &DestSettings) -> String {
    let sums = match settings.tunnel.flags {
        tunnel_flags::CSUM => "--tun-csum",
        tunnel_flags::REMCSUM => "--tun-remcsum",
        _ => "--tun-nocsum",
    };
    match settings.tunnel.kind {
        tunnel::GUE => {
            format!(" --tun-type gue --tun-port {} {sums}", settings.tunnel.port)
        }
        tunnel::GRE => format!(" --tun-type gre {sums}"),
        _ => " --tun-type ipip".to_owned(),
    }
}

/// The command line that makes a change.
pub fn request(names: &Names, request: &Request) -> String {
    let with = |key: &ServiceKey, settings: &ServiceSettings| {
        let stats = Stats::default();
        service_settings(&Service {
            key: *key,
            settings: *settings,
            stats,
        })
    };
    match request {
        Request::AddService(key, settings) => {
            format!("-A {} {}\n", service_key(names, key), with(key, settings))
        }
        Request::EditService(key, settings) => {
            format!("-E {} {}\n", service_key(names, key), with(key, settings))
        }
        Request::DeleteService(key) => format!("-D {}\n", service_key(names, key)),
        Request::AddDest(key, dest, settings) => format!(
            "-a {} {} {}\n",
            service_key(names, key),
            dest_key(names, key, dest),
            dest_settings(settings)
        ),
        Request::EditDest(key, dest, settings) => format!(
            "-e {} {} {}\n",
            service_key(names, key),
            dest_key(names, key, dest),
            dest_settings(settings)
        ),
        Request::DeleteDest(key, dest) => {
            format!(
                "-d {} {}\n",
                service_key(names, key),
                dest_key(names, key, dest)
            )
        }
        Request::Flush => "-C\n".to_owned(),
        Request::StartDaemon(settings) => daemon(settings),
        Request::StopDaemon(role) => format!("--stop-daemon {}\n", super::role(*role)),
        Request::SetTimeouts(times) => format!(
            "--set {} {} {}\n",
            times.tcp_established, times.tcp_fin_wait, times.udp
        ),
        Request::Zero(None) => "-Z\n".to_owned(),
        Request::Zero(Some(key)) => format!("-Z {}\n", service_key(names, key)),
    }
}

/// The command that starts a daemon.
fn daemon(settings: &DaemonSettings) -> String {
    let mut out = format!(
        "--start-daemon {} --mcast-interface {} --syncid {}",
        super::role(settings.role),
        text(settings.interface.as_bytes()),
        settings.sync_id
    );
    let numbers = [
        ("sync-maxlen", settings.max_len),
        ("mcast-port", settings.port),
        ("mcast-ttl", u16::from(settings.ttl)),
    ];
    for (name, number) in numbers.into_iter().filter(|(_, number)| *number != 0) {
        out.push_str(&format!(" --{name} {number}"));
    }
    if settings.group.is_some() {
        out.push_str(&format!(" --mcast-group {}", super::group(settings)));
    }
    out.push('\n');
    out
}
