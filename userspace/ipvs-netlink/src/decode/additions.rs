// SPDX-License-Identifier: GPL-2.0

//! What kernels with the additions of `ipvs_rs` send.

use ipvs_core::addr::{Addr, Family};
use ipvs_core::nla::{Attributes, Iter};
use ipvs_core::uapi::additions::{action, conn, outcome, top as more};
use ipvs_core::uapi::top;

use super::{family, nest, present, read};
use crate::connection::{Connection, Side};
use crate::error::Error;
use crate::monitor::{Change, Event};
use crate::request::Request;

/// The attributes at the top of a message.
const TOP: usize = more::MAX as usize;
/// The attributes of a connection.
const CONN: usize = conn::PE_DATA as usize;

fn text(bytes: Option<&[u8]>) -> Result<String, Error> {
    Ok(String::from_utf8_lossy(present(bytes)?).into_owned())
}

/// A message of a dump of connections.
pub(crate) fn connection(bytes: &[u8]) -> Result<Connection, Error> {
    let outer = read::<TOP>(bytes)?;
    let found = read::<CONN>(present(outer.bytes(more::CONN))?)?;
    let clients = family(present(found.u16(conn::FAMILY))?)?;
    let servers = match found.u16(conn::SERVER_FAMILY) {
        None => clients,
        Some(af) => family(af)?,
    };
    let engine = match found.string(conn::PE_NAME) {
        None => None,
        name => {
            let data = found.bytes(conn::PE_DATA).unwrap_or_default();
            Some((text(name)?, data.to_vec()))
        }
    };
    Ok(Connection {
        protocol: present(found.u16(conn::PROTOCOL))?.into(),
        client: side(&found, clients, conn::CLIENT_ADDR, conn::CLIENT_PORT)?,
        service: side(&found, clients, conn::VIRTUAL_ADDR, conn::VIRTUAL_PORT)?,
        server: side(&found, servers, conn::SERVER_ADDR, conn::SERVER_PORT)?,
        state: text(found.string(conn::STATE))?,
        flags: found.u32(conn::FLAGS).unwrap_or(0),
        expires: found.u32(conn::EXPIRES).unwrap_or(0),
        packets_in: found.u32(conn::IN_PACKETS).unwrap_or(0),
        engine,
    })
}

fn side(found: &Attributes<'_, CONN>, family: Family, addr: u16, port: u16) -> Result<Side, Error> {
    Ok(Side {
        family,
        addr: Addr::from_v6(present(found.padded(addr))?),
        port: present(found.be16(port))?,
    })
}

/// The number of connections that were ended.
pub(crate) fn count(bytes: &[u8]) -> Result<u32, Error> {
    present(read::<TOP>(bytes)?.u32(more::COUNT))
}

/// The datagram about a saved connection.
pub(crate) fn entries(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    Ok(present(read::<TOP>(bytes)?.bytes(more::ENTRIES))?.to_vec())
}

/// What became of saved connections.
pub(crate) fn outcomes(bytes: &[u8]) -> Result<Vec<(String, u32)>, Error> {
    let nests = Iter::new(bytes).filter(|(kind, _)| *kind == more::OUTCOME);
    nests
        .map(|(_, nest)| {
            let found = read::<2>(nest)?;
            let name = text(found.string(outcome::NAME))?;
            Ok((name, present(found.u32(outcome::COUNT))?))
        })
        .collect()
}

/// A change; [`None`] if it is of a kind that is not known here.
pub(crate) fn event(bytes: &[u8]) -> Result<Option<Event>, Error> {
    let found = read::<TOP>(bytes)?;
    let port = found.u32(more::PORTID).unwrap_or(0);
    let event = |change| Ok(Some(Event { change, port }));
    if let Some(name) = found.string(more::SETTING) {
        return event(Change::Setting {
            name: text(Some(name))?,
            value: text(found.string(more::VALUE))?,
        });
    }
    if let Some(nest) = found.bytes(more::MASTER) {
        let action = present(found.u32(more::ACTION))?;
        return match super::sync::change(action, nest)? {
            Some((change, master)) => event(Change::Master(change, master)),
            None => Ok(None),
        };
    }
    match request(bytes, &found)? {
        Some(request) => event(Change::Made(request)),
        None => Ok(None),
    }
}

/// The request that would do what was done.
fn request(bytes: &[u8], found: &Attributes<'_, TOP>) -> Result<Option<Request>, Error> {
    let action = present(found.u32(more::ACTION))?;
    if found.bytes(top::DEST).is_some() {
        return dest(bytes, action);
    }
    if found.bytes(top::SERVICE).is_some() {
        return service(bytes, action);
    }
    if found.bytes(top::DAEMON).is_some() {
        let daemon = read(nest(bytes, top::DAEMON)?)?;
        return Ok(match action {
            action::NEW => Some(Request::StartDaemon(super::daemon(bytes)?)),
            action::DEL => Some(Request::StopDaemon(super::daemon_role(&daemon)?)),
            _ => None,
        });
    }
    Ok(match action {
        action::FLUSH => Some(Request::Flush),
        action::ZERO => Some(Request::Zero(None)),
        action::SET if found.bytes(top::TIMEOUT_TCP).is_some() => {
            Some(Request::SetTimeouts(super::timeouts(bytes)?))
        }
        _ => None,
    })
}

fn service(bytes: &[u8], action: u32) -> Result<Option<Request>, Error> {
    let found = read(nest(bytes, top::SERVICE)?)?;
    let key = super::service_key(&found)?;
    Ok(match action {
        action::NEW => Some(Request::AddService(key, super::service_settings(&found)?)),
        action::SET => Some(Request::EditService(key, super::service_settings(&found)?)),
        action::DEL => Some(Request::DeleteService(key)),
        action::ZERO => Some(Request::Zero(Some(key))),
        _ => None,
    })
}

fn dest(bytes: &[u8], action: u32) -> Result<Option<Request>, Error> {
    let service = super::service_key(&read(nest(bytes, top::SERVICE)?)?)?;
    let found = read(nest(bytes, top::DEST)?)?;
    let key = super::dest_key(&found, service.family())?;
    let settings = || super::dest_settings(&found);
    Ok(match action {
        action::NEW => Some(Request::AddDest(service, key, settings()?)),
        action::SET => Some(Request::EditDest(service, key, settings()?)),
        action::DEL => Some(Request::DeleteDest(service, key)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use ipvs_core::config::reply::AttributeSink;
    use proptest::prelude::*;

    use super::*;
    use crate::attributes::Attributes as Written;
    use crate::key::{DestKey, ServiceKey};
    use crate::protocol::Protocol;
    use crate::types::{DestSettings, ServiceSettings};

    const KEY: ServiceKey = ServiceKey::Address {
        family: Family::V4,
        protocol: Protocol::TCP,
        addr: Addr::from_v4([10, 0, 0, 1]),
        port: 80,
    };
    const SERVER: DestKey = DestKey {
        family: Family::V4,
        addr: Addr::from_v4([10, 1, 0, 1]),
        port: 8080,
    };

    /// What a kernel tells of a request: its attributes and the action.
    fn told(request: &Request, action: u32) -> Option<Request> {
        let mut bytes = request.attributes().unwrap();
        let mut more = Written::default();
        more.put_u32(more::ACTION, action).unwrap();
        more.put_u32(more::PORTID, 7).unwrap();
        bytes.extend_from_slice(&more.0);
        let event = event(&bytes).unwrap()?;
        assert_eq!(event.port, 7);
        match event.change {
            Change::Made(request) => Some(request),
            Change::Setting { .. } | Change::Master(..) => None,
        }
    }

    #[test]
    fn events_tell_the_request_that_would_do_the_same() {
        let (service, dest) = (ServiceSettings::default(), DestSettings::default());
        for (request, action) in [
            (Request::AddService(KEY, service), action::NEW),
            (Request::EditService(KEY, service), action::SET),
            (Request::DeleteService(KEY), action::DEL),
            (Request::AddDest(KEY, SERVER, dest), action::NEW),
            (Request::EditDest(KEY, SERVER, dest), action::SET),
            (Request::DeleteDest(KEY, SERVER), action::DEL),
            (Request::Flush, action::FLUSH),
            (Request::Zero(None), action::ZERO),
            (Request::Zero(Some(KEY)), action::ZERO),
        ] {
            assert_eq!(told(&request, action), Some(request));
        }
        assert_eq!(told(&Request::DeleteService(KEY), 99), None);
    }

    #[test]
    fn a_sysctl_is_told_by_name_and_value() {
        let mut out = Written::default();
        out.put(more::SETTING, b"conn_max\0").unwrap();
        out.put(more::VALUE, b"17\0").unwrap();
        let change = Change::Setting {
            name: "conn_max".to_owned(),
            value: "17".to_owned(),
        };
        assert_eq!(event(&out.0).unwrap(), Some(Event { change, port: 0 }));
    }

    #[test]
    fn reads_a_connection() {
        let mut out = Written::default();
        out.nest(more::CONN, |out| {
            out.put_u16(conn::FAMILY, 10)?;
            out.put_u16(conn::PROTOCOL, 6)?;
            out.put(conn::CLIENT_ADDR, &[1; 16])?;
            out.put_be16(conn::CLIENT_PORT, 4000)?;
            out.put(conn::VIRTUAL_ADDR, &[2; 16])?;
            out.put_be16(conn::VIRTUAL_PORT, 80)?;
            out.put(conn::SERVER_ADDR, &[10, 0, 0, 2])?;
            out.put_be16(conn::SERVER_PORT, 8080)?;
            out.put(conn::STATE, b"ESTABLISHED\0")?;
            out.put_u16(conn::SERVER_FAMILY, 2)?;
            out.put_u32(conn::EXPIRES, 899)
        })
        .unwrap();
        let found = connection(&out.0).unwrap();
        assert_eq!((found.state.as_str(), found.expires), ("ESTABLISHED", 899));
        assert_eq!(found.client.addr, Addr::from_v6([1; 16]));
        assert_eq!(found.server.addr, Addr::from_v4([10, 0, 0, 2]));
        assert_eq!(found.engine, None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = super::connection(&bytes);
            let _ = super::event(&bytes);
            let _ = super::count(&bytes);
        }
    }
}
