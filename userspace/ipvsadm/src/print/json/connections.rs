// SPDX-License-Identifier: GPL-2.0

//! Connections as JSON.

use ipvs_netlink::Side;
use serde::Serialize;

use super::line;
use crate::connections::Connection;
use crate::names::ip;

#[derive(Serialize)]
struct SideEntry {
    address: String,
    port: u16,
}

impl From<&Side> for SideEntry {
    fn from(side: &Side) -> Self {
        Self {
            address: ip(side.family, side.addr).to_string(),
            port: side.port,
        }
    }
}

#[derive(Serialize)]
struct ConnectionEntry {
    protocol: String,
    client: SideEntry,
    service: SideEntry,
    server: SideEntry,
    state: String,
    expires: u64,
    template: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    engine: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    engine_data: Option<String>,
}

#[derive(Serialize)]
struct Connections {
    connections: Vec<ConnectionEntry>,
}

fn entry(one: &Connection) -> ConnectionEntry {
    ConnectionEntry {
        protocol: one.protocol.to_lowercase(),
        client: SideEntry::from(&one.client),
        service: SideEntry::from(&one.service),
        server: SideEntry::from(&one.server),
        state: one.state.clone(),
        expires: one.expires,
        template: one.is_template(),
        engine: one.engine.as_ref().map(|(name, _)| name.clone()),
        engine_data: one.engine.as_ref().map(|(_, data)| data.clone()),
    }
}

/// `--list --connection --json`
pub fn connections<'a>(list: impl IntoIterator<Item = &'a Connection>) -> String {
    line(&Connections {
        connections: list.into_iter().map(entry).collect(),
    })
}

/// One of these connections, without the end of the line.
pub fn connection(one: &Connection) -> String {
    // These types hold nothing that JSON cannot.
    serde_json::to_string(&entry(one)).unwrap_or_default()
}
