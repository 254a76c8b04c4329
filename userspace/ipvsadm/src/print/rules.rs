// SPDX-License-Identifier: GPL-2.0

//! The table as rules, which `--restore` reads.

use std::fmt::Write;

use ipvs_netlink::uapi::{service_flags, tunnel};
use ipvs_netlink::{
    DaemonSettings, Dest, DestKey, DestSettings, Family, Method, Request, Service, ServiceKey,
    ServiceSettings,
};

use super::{netmask, sched_flags, scheduler, text, Form};
use crate::command::tunnel::flags as tunnel_flags;
use crate::names::{Names, Protocol};

/// Adds the option that names a service.
fn put_service_key(out: &mut String, names: &Names, key: &ServiceKey) {
    // Writing to a string does not fail.
    let _ = match key {
        ServiceKey::Mark {
            family: Family::V4,
            mark,
        } => write!(out, "-f {mark}"),
        ServiceKey::Mark {
            family: Family::V6,
            mark,
        } => write!(out, "-f {mark} -6"),
        ServiceKey::Address {
            family,
            protocol,
            addr,
            port,
        } => {
            let protocol = Protocol::of(*protocol);
            out.push_str(match protocol {
                Some(Protocol::Udp) => "-u ",
                Some(Protocol::Sctp) => "--sctp-service ",
                Some(Protocol::Tcp) | None => "-t ",
            });
            names.put_endpoint(out, *family, *addr, *port, protocol);
            Ok(())
        }
    };
}

/// Adds the options with the settings of a service.
fn put_service_settings(out: &mut String, service: &Service) {
    let settings = &service.settings;
    let _ = write!(out, " -s {}", scheduler(service));
    if settings.has(service_flags::PERSISTENT) {
        let _ = write!(out, " -p {}", settings.timeout);
        if let Some(mask) = netmask(service) {
            let _ = write!(out, " -M {mask}");
        }
    }
    if let Some(pe) = settings.pe {
        let _ = write!(out, " --pe {}", text(pe.as_bytes()));
    }
    if settings.has(service_flags::ONE_PACKET) {
        out.push_str(" -o");
    }
    let flags = sched_flags(service);
    if !flags.is_empty() {
        let _ = write!(out, " -b {flags}");
    }
}

/// The table as the rules that would make it.
pub struct Rules<'a> {
    /// Names or numbers.
    pub names: &'a Names,
}

impl Form for Rules<'_> {
    fn put_service(&self, out: &mut String, service: &Service) {
        out.push_str("-A ");
        put_service_key(out, self.names, &service.key);
        put_service_settings(out, service);
        out.push('\n');
    }

    fn put_dest(&self, out: &mut String, service: &ServiceKey, dest: &Dest) {
        out.push_str("-a ");
        put_dest_key(out, self.names, service, &dest.key);
        put_dest_settings(out, &dest.settings);
        out.push('\n');
    }
}

/// Adds the options that name a server and its service.
fn put_dest_key(out: &mut String, names: &Names, service: &ServiceKey, key: &DestKey) {
    put_service_key(out, names, service);
    out.push_str(" -r ");
    names.put_server(out, service, key);
}

/// Adds the options with the settings of a server.
fn put_dest_settings(out: &mut String, settings: &DestSettings) {
    let method = match settings.method {
        Method::Tunnel => "-i",
        Method::Nat => "-m",
        _ => "-g",
    };
    let _ = write!(out, " {method} -w {}", settings.weight);
    if settings.method == Method::Tunnel {
        put_tunnel(out, settings);
    }
    if settings.upper != 0 {
        let _ = write!(out, " -x {}", settings.upper);
    }
    if settings.lower != 0 {
        let _ = write!(out, " -y {}", settings.lower);
    }
}

fn put_tunnel(out: &mut String, settings: &DestSettings) {
    let sums = match settings.tunnel.flags {
        tunnel_flags::CSUM => "--tun-csum",
        tunnel_flags::REMCSUM => "--tun-remcsum",
        _ => "--tun-nocsum",
    };
    let _ = match settings.tunnel.kind {
        tunnel::GUE => {
            let port = settings.tunnel.port;
            write!(out, " --tun-type gue --tun-port {port} {sums}")
        }
        tunnel::GRE => write!(out, " --tun-type gre {sums}"),
        _ => out.write_str(" --tun-type ipip"),
    };
}

/// The command line that makes a change.
pub fn request(names: &Names, request: &Request) -> String {
    let service = |verb: &str, key: &ServiceKey, settings: Option<&ServiceSettings>| {
        let mut out = format!("{verb} ");
        put_service_key(&mut out, names, key);
        if let Some(settings) = settings {
            let service = Service::new(*key, *settings);
            put_service_settings(&mut out, &service);
        }
        out.push('\n');
        out
    };
    let dest = |verb: &str, key: &ServiceKey, dest: &DestKey, settings: Option<&DestSettings>| {
        let mut out = format!("{verb} ");
        put_dest_key(&mut out, names, key, dest);
        if let Some(settings) = settings {
            put_dest_settings(&mut out, settings);
        }
        out.push('\n');
        out
    };
    match request {
        Request::AddService(key, settings) => service("-A", key, Some(settings)),
        Request::EditService(key, settings) => service("-E", key, Some(settings)),
        Request::DeleteService(key) => service("-D", key, None),
        Request::AddDest(key, server, settings) => dest("-a", key, server, Some(settings)),
        Request::EditDest(key, server, settings) => dest("-e", key, server, Some(settings)),
        Request::DeleteDest(key, server) => dest("-d", key, server, None),
        Request::Flush => "-C\n".to_owned(),
        Request::StartDaemon(settings) => daemon(settings),
        Request::StopDaemon(role) => format!("--stop-daemon {}\n", super::role(*role)),
        Request::SetTimeouts(times) => format!(
            "--set {} {} {}\n",
            times.tcp_established, times.tcp_fin_wait, times.udp
        ),
        Request::Zero(None) => "-Z\n".to_owned(),
        Request::Zero(Some(key)) => service("-Z", key, None),
        // What a later library may know.
        other => format!("# {other:?}\n"),
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
