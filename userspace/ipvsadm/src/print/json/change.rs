// SPDX-License-Identifier: GPL-2.0

//! Changes as JSON.

use ipvs_netlink::{Change, DestKey, DestSettings, MasterChange, Request, ServiceKey};
use serde::Serialize;
use serde_json::{json, Map, Value};

use super::{method, tunnel_entry, Key};
use crate::names::ip;
use crate::print::{group, role, sched_flags, text};

/// The action of a later version's change.
const UNKNOWN: &str = "unknown";

/// What was changed, and how it is now.
#[derive(Serialize)]
pub struct Object {
    /// `new`, `set`, `del`, `zero` or `flush`; of a master `heard`, `completed` or `lost`; `unknown` for what the library tells and we do
    /// not know.
    action: &'static str,
    #[serde(flatten)]
    parts: Map<String, Value>,
}

impl Object {
    /// The object of a change.
    pub fn of(change: &Change) -> Self {
        match change {
            Change::Made(request) => of_request(request),
            Change::Setting { name, value } => {
                let parts = [("setting", json!(name)), ("value", json!(value))];
                Self::new("set", &parts)
            }
            Change::Master(change, master) => {
                let action = match change {
                    MasterChange::Heard => "heard",
                    MasterChange::Completed => "completed",
                    MasterChange::Lost => "lost",
                    _ => UNKNOWN,
                };
                let master = json!({
                    "address": master.addr.to_string(),
                    "stream": master.stream,
                    "complete": master.is_complete,
                });
                Self::new(action, &[("master", master)])
            }
            _ => Self::new(UNKNOWN, &[]),
        }
    }

    fn new(action: &'static str, parts: &[(&str, Value)]) -> Self {
        let parts = parts
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()));
        Self {
            action,
            parts: parts.collect(),
        }
    }
}

fn of_request(request: &Request) -> Object {
    let service = |action, key: &ServiceKey, settings: Value| {
        Object::new(
            action,
            &[("service", joined(json!(Key::new(key)), settings))],
        )
    };
    let server = |action, key: &ServiceKey, dest: &DestKey, settings: Value| {
        let named = json!({ "address": ip(dest.family, dest.addr).to_string(), "port": dest.port });
        let parts = [
            ("service", json!(Key::new(key))),
            ("server", joined(named, settings)),
        ];
        Object::new(action, &parts)
    };
    match request {
        Request::AddService(key, settings) => service("new", key, of_service(key, settings)),
        Request::EditService(key, settings) => service("set", key, of_service(key, settings)),
        Request::DeleteService(key) => service("del", key, json!({})),
        Request::AddDest(key, dest, settings) => server("new", key, dest, of_server(settings)),
        Request::EditDest(key, dest, settings) => server("set", key, dest, of_server(settings)),
        Request::DeleteDest(key, dest) => server("del", key, dest, json!({})),
        Request::Zero(Some(key)) => service("zero", key, json!({})),
        Request::Zero(None) => Object::new("zero", &[]),
        Request::Flush => Object::new("flush", &[]),
        Request::StartDaemon(daemon) => {
            let daemon = json!({
                "state": role(daemon.role),
                "interface": text(daemon.interface.as_bytes()),
                "syncid": daemon.sync_id,
                "maxlen": daemon.max_len,
                "group": group(daemon),
                "port": daemon.port,
                "ttl": daemon.ttl,
            });
            Object::new("new", &[("daemon", daemon)])
        }
        Request::StopDaemon(state) => {
            Object::new("del", &[("daemon", json!({ "state": role(*state) }))])
        }
        Request::SetTimeouts(times) => {
            let times = json!({
                "tcp": times.tcp_established, "tcp_fin": times.tcp_fin_wait, "udp": times.udp,
            });
            Object::new("set", &[("timeouts", times)])
        }
        _ => Object::new(UNKNOWN, &[]),
    }
}

/// Both objects as one.
fn joined(one: Value, other: Value) -> Value {
    match (one, other) {
        (Value::Object(mut one), Value::Object(other)) => {
            one.extend(other);
            Value::Object(one)
        }
        (one, _) => one,
    }
}

fn of_service(key: &ServiceKey, settings: &ipvs_netlink::ServiceSettings) -> Value {
    let service = ipvs_netlink::Service::new(*key, *settings);
    let flags = sched_flags(&service);
    let flags: Vec<&str> = flags.split(',').filter(|one| !one.is_empty()).collect();
    let mut out = json!({
        "scheduler": crate::print::scheduler(&service),
        "one_packet": settings.has(ipvs_netlink::uapi::service_flags::ONE_PACKET),
    });
    if let Some(out) = out.as_object_mut() {
        if !flags.is_empty() {
            out.insert("scheduler_flags".to_owned(), json!(flags));
        }
        if let Some(persistence) = super::persistence(&service) {
            out.insert("persistence".to_owned(), json!(persistence));
        }
    }
    out
}

fn of_server(settings: &DestSettings) -> Value {
    let mut out = json!({
        "method": method(settings.method),
        "weight": settings.weight,
        "upper_threshold": settings.upper,
        "lower_threshold": settings.lower,
    });
    if let (Some(out), Some(tunnel)) = (out.as_object_mut(), tunnel_entry(settings)) {
        out.insert("tunnel".to_owned(), json!(tunnel));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::line;

    #[test]
    fn a_change_has_the_fields_of_listings() {
        let object = |rule: &str| {
            let (request, _) = line(rule);
            json!(Object::of(&Change::Made(request)))
        };
        let server = object("-e -t 10.0.0.1:80 -r 10.1.0.1:8080 -m -w 3 -x 9");
        assert_eq!(server["action"], "set");
        assert_eq!(server["service"]["address"], "10.0.0.1");
        assert_eq!(server["server"]["port"], 8080);
        assert_eq!(server["server"]["method"], "masquerading");
        assert_eq!(server["server"]["upper_threshold"], 9);
        let service = object("-A -f 7 -6 -s sh -b sh-port -p 60");
        assert_eq!(service["service"]["fwmark"], 7);
        assert_eq!(service["service"]["persistence"]["timeout"], 60);
        assert_eq!(service["service"]["scheduler_flags"][0], "sh-port");
        assert_eq!(object("-C"), json!({ "action": "flush" }));
    }
}
