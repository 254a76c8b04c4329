// SPDX-License-Identifier: GPL-2.0

//! Relays: which of them are meant, and how they are listed.

use ktcpvs_core::config::Place;
use ktcpvs_core::message::{Endpoint, Part, Relay, RelayFilter};
use serde_json::{json, Value};

use crate::cli::Typed;
use crate::failure::Failure;
use crate::listing::address;
use crate::names;

/// A relay of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayAnswer {
    /// The service.
    pub service: String,
    /// The client.
    pub client: Endpoint,
    /// The server, if there is one.
    pub server: Option<Endpoint>,
    /// Where the relay is, in a word.
    pub state: String,
    /// Its age in seconds.
    pub age: u32,
    /// Bytes from the client and to it.
    pub bytes: [u64; 2],
    /// The number of requests.
    pub requests: u32,
}

impl RelayAnswer {
    /// What was read of a relay.
    pub fn new(service: &[u8], relay: &Relay<'_>) -> Self {
        Self {
            service: String::from_utf8_lossy(service).into_owned(),
            client: relay.client,
            server: relay.server,
            state: String::from_utf8_lossy(relay.state).into_owned(),
            age: relay.age,
            bytes: [relay.bytes_in, relay.bytes_out],
            requests: relay.requests,
        }
    }
}

/// The relays that were typed: those of a client and of a server. Where no port is said, any port will do.
///
/// # Errors
///
/// If there is no such host or port.
pub fn filter(typed: &Typed) -> Result<RelayFilter, Failure> {
    let part = |text: &Option<String>| {
        let Some(text) = text else {
            return Some(Part::default());
        };
        let place = Place::parse(text.as_bytes())?;
        let port = match &place.port {
            Some(port) => Some(names::port(port)?),
            None => None,
        };
        Some(Part {
            addr: Some(names::host(&place.host)?),
            port,
        })
    };
    let illegal = || Failure::usage("illegal address:port specified");
    Ok(RelayFilter {
        client: part(&typed.client).ok_or_else(illegal)?,
        server: part(&typed.server).ok_or_else(illegal)?,
    })
}

const HEADER: [&str; 8] = [
    "Service", "Client", "Server", "State", "Age", "In", "Out", "Requests",
];

/// The relays as a table.
pub fn table(relays: &[RelayAnswer], numeric: bool) -> Vec<u8> {
    let mut rows = vec![HEADER.map(str::to_owned)];
    rows.extend(relays.iter().map(|relay| {
        [
            relay.service.clone(),
            address(relay.client, numeric),
            server(relay, numeric).unwrap_or_else(|| "-".to_owned()),
            relay.state.clone(),
            relay.age.to_string(),
            relay.bytes[0].to_string(),
            relay.bytes[1].to_string(),
            relay.requests.to_string(),
        ]
    }));
    let mut widths = [0; 8];
    for row in &rows {
        for (width, word) in widths.iter_mut().zip(row) {
            *width = word.len().max(*width);
        }
    }
    let mut out = String::new();
    for row in &rows {
        let words = row.iter().zip(widths);
        let padded = words.map(|(word, width)| format!("{word:width$}"));
        out += padded.collect::<Vec<_>>().join("  ").trim_end();
        out.push('\n');
    }
    out.into_bytes()
}

fn server(relay: &RelayAnswer, numeric: bool) -> Option<String> {
    relay.server.map(|at| address(at, numeric))
}

/// The relays as JSON: an array.
pub fn json(relays: &[RelayAnswer], numeric: bool) -> Vec<u8> {
    let all = relays.iter().map(|relay| {
        json!({
            "service": relay.service,
            "client": address(relay.client, numeric),
            "server": server(relay, numeric),
            "state": relay.state,
            "age": relay.age,
            "bytes_in": relay.bytes[0],
            "bytes_out": relay.bytes[1],
            "requests": relay.requests,
        })
    });
    let mut text = Value::from(all.collect::<Vec<_>>())
        .to_string()
        .into_bytes();
    text.push(b'\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use ipvs_core::addr::{Addr, Family};

    fn relay(server: Option<[u8; 4]>) -> RelayAnswer {
        let at = |octets, port| Endpoint {
            family: Family::V4,
            addr: Addr::from_v4(octets),
            port,
        };
        RelayAnswer {
            service: "web".to_owned(),
            client: at([192, 0, 2, 1], 40_000),
            server: server.map(|octets| at(octets, 80)),
            state: "tunnel".to_owned(),
            age: 7,
            bytes: [1, 20],
            requests: 1,
        }
    }

    #[test]
    fn relays_are_a_table() {
        let table = table(&[relay(Some([10, 0, 0, 1])), relay(None)], true);
        let lines = [
            "Service  Client           Server       State   Age  In  Out  Requests",
            "web      192.0.2.1:40000  10.0.0.1:80  tunnel  7    1   20   1",
            "web      192.0.2.1:40000  -            tunnel  7    1   20   1",
            "",
        ];
        assert_eq!(String::from_utf8(table).unwrap(), lines.join("\n"));
    }

    #[test]
    fn relays_are_json() {
        let text = json(&[relay(None)], true);
        assert_eq!(
            String::from_utf8(text).unwrap(),
            "[{\"age\":7,\"bytes_in\":1,\"bytes_out\":20,\"client\":\"192.0.2.1:40000\",\"requests\":1,\
             \"server\":null,\"service\":\"web\",\"state\":\"tunnel\"}]\n"
        );
    }

    #[test]
    fn a_filter_may_leave_the_port_open() {
        let typed = Typed {
            client: Some("192.0.2.1".to_owned()),
            server: Some("[::1]:80".to_owned()),
            ..Typed::default()
        };
        let found = filter(&typed).unwrap();
        assert_eq!(found.client.port, None);
        assert_eq!(found.server.port, Some(80));
        assert_eq!(filter(&Typed::default()), Ok(RelayFilter::default()));
    }
}
