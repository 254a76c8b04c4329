// SPDX-License-Identifier: GPL-2.0

//! The form in which types of [`ipvs_core`] are stored with serde, within the types of this crate: addresses and names as text,
//! the rest by name.

use std::net::IpAddr;

use ipvs_core::addr::{Addr, Family};
use ipvs_core::config::{self, Name};
use ipvs_core::conn;
use ipvs_core::proto;
use ipvs_core::sync;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::connection::{Side, SideFilter};
use crate::key::{DestKey, ServiceKey};
use crate::protocol::Protocol;

/// [`config::Tunnel`].
#[derive(Serialize, Deserialize)]
#[serde(remote = "config::Tunnel")]
pub(crate) struct Tunnel {
    #[serde(default)]
    kind: u8,
    #[serde(default)]
    port: u16,
    #[serde(default)]
    flags: u16,
}

/// [`proto::Timeouts`].
#[derive(Serialize, Deserialize)]
#[serde(remote = "proto::Timeouts")]
pub(crate) struct Timeouts {
    tcp_established: u32,
    tcp_fin_wait: u32,
    udp: u32,
}

/// A [`config::Netmask`]: a mask of IPv4 as text, the length of a prefix of IPv6 as a number.
///
/// The type does not tell which one it is. Four bytes that are a length from 1 to 128 in the order of this host are stored as one. That is
/// every mask of IPv6 that the kernel takes; of IPv4 it is a mask that nobody has but 128.0.0.0, which comes back as it was
/// on hosts of the same byte order.
pub(crate) mod netmask {
    use super::{config, de_error, Deserialize, Deserializer, Serialize, Serializer};
    use std::net::Ipv4Addr;

    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Stored {
        Mask(Ipv4Addr),
        Prefix(u32),
    }

    pub(crate) fn serialize<S: Serializer>(
        netmask: &config::Netmask,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        let stored = match u32::from_ne_bytes(netmask.0) {
            prefix @ 1..=128 => Stored::Prefix(prefix),
            _ => Stored::Mask(netmask.0.into()),
        };
        stored.serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<config::Netmask, D::Error> {
        match Stored::deserialize(from)? {
            Stored::Mask(mask) => Ok(config::Netmask(mask.octets())),
            Stored::Prefix(prefix @ 1..=128) => Ok(config::Netmask(prefix.to_ne_bytes())),
            Stored::Prefix(_) => Err(de_error("a prefix that is not from 1 to 128")),
        }
    }
}

/// [`config::DaemonRole`].
#[derive(Serialize, Deserialize)]
#[serde(remote = "config::DaemonRole", rename_all = "snake_case")]
pub(crate) enum DaemonRole {
    Master,
    Backup,
}

/// [`conn::Method`].
#[derive(Serialize, Deserialize)]
#[serde(remote = "conn::Method", rename_all = "snake_case")]
pub(crate) enum Method {
    Nat,
    LocalNode,
    Tunnel,
    DirectRoute,
    Bypass,
    Unassigned5,
    Unassigned6,
    Unassigned7,
}

/// A [`Family`].
#[derive(Serialize, Deserialize)]
#[serde(remote = "Family", rename_all = "snake_case")]
enum OfFamily {
    V4,
    V6,
}

/// A [`Name`] as text; one that is not UTF-8 is refused.
pub(crate) mod name {
    use super::{de_error, ser_error};
    use super::{Deserialize, Deserializer, Name, Serializer};

    pub(crate) fn serialize<S: Serializer>(name: &Name, to: S) -> Result<S::Ok, S::Error> {
        let text = std::str::from_utf8(name.as_bytes());
        to.serialize_str(text.map_err(|_| ser_error("a name that is not UTF-8"))?)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Name, D::Error> {
        let text = String::deserialize(from)?;
        Name::new(text.as_bytes())
            .ok_or_else(|| de_error("a name of more than 16 bytes, or with a NUL"))
    }
}

/// A [`Name`] as text, or none.
pub(crate) mod optional_name {
    use super::{name, Deserialize, Deserializer, Name, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(transparent)]
    struct Text(#[serde(with = "name")] Name);

    pub(crate) fn serialize<S: Serializer>(name: &Option<Name>, to: S) -> Result<S::Ok, S::Error> {
        name.map(Text).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Name>, D::Error> {
        Ok(Option::<Text>::deserialize(from)?.map(|Text(name)| name))
    }
}

/// An address with its family, or none.
pub(crate) mod group {
    use super::{Addr, Deserialize, Deserializer, Family, IpAddr, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(
        group: &Option<(Family, Addr)>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        group.map(|(family, addr)| addr.to_ip(family)).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<(Family, Addr)>, D::Error> {
        let ip = Option::<IpAddr>::deserialize(from)?;
        Ok(ip.map(|ip| (Family::of(ip), ip.into())))
    }
}

/// [`sync::Authentication`], or none.
pub(crate) mod authentication {
    use super::{sync, Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(remote = "sync::Authentication", rename_all = "snake_case")]
    enum Remote {
        Off,
        Optional,
        Required,
    }

    #[derive(Serialize, Deserialize)]
    #[serde(transparent)]
    struct Mode(#[serde(with = "Remote")] sync::Authentication);

    pub(crate) fn serialize<S: Serializer>(
        mode: &Option<sync::Authentication>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        mode.map(Mode).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<sync::Authentication>, D::Error> {
        Ok(Option::<Mode>::deserialize(from)?.map(|Mode(mode)| mode))
    }
}

fn ser_error<E: serde::ser::Error>(words: &str) -> E {
    E::custom(words)
}

fn de_error<E: serde::de::Error>(words: &str) -> E {
    E::custom(words)
}

/// A [`ServiceKey`].
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Service {
    Address {
        protocol: Protocol,
        addr: IpAddr,
        port: u16,
    },
    Mark {
        #[serde(with = "OfFamily")]
        family: Family,
        mark: u32,
    },
}

impl From<ServiceKey> for Service {
    fn from(key: ServiceKey) -> Self {
        match key {
            ServiceKey::Mark { family, mark } => Self::Mark { family, mark },
            ServiceKey::Address {
                family,
                protocol,
                addr,
                port,
            } => Self::Address {
                protocol,
                addr: addr.to_ip(family),
                port,
            },
        }
    }
}

impl From<Service> for ServiceKey {
    fn from(stored: Service) -> Self {
        match stored {
            Service::Mark { family, mark } => Self::from_mark(family, mark),
            Service::Address {
                protocol,
                addr,
                port,
            } => Self::new(protocol, (addr, port)),
        }
    }
}

/// An address and a port: a [`DestKey`] or a [`Side`].
#[derive(Serialize, Deserialize)]
pub(crate) struct End {
    addr: IpAddr,
    port: u16,
}

impl From<DestKey> for End {
    fn from(key: DestKey) -> Self {
        let addr = key.addr.to_ip(key.family);
        Self {
            addr,
            port: key.port,
        }
    }
}

impl From<End> for DestKey {
    fn from(End { addr, port }: End) -> Self {
        std::net::SocketAddr::new(addr, port).into()
    }
}

impl From<Side> for End {
    fn from(side: Side) -> Self {
        let addr = side.addr.to_ip(side.family);
        Self {
            addr,
            port: side.port,
        }
    }
}

impl From<End> for Side {
    fn from(End { addr, port }: End) -> Self {
        std::net::SocketAddr::new(addr, port).into()
    }
}

/// A [`SideFilter`].
#[derive(Serialize, Deserialize)]
pub(crate) struct Filter {
    addr: IpAddr,
    port: Option<u16>,
}

impl From<SideFilter> for Filter {
    fn from(side: SideFilter) -> Self {
        let addr = side.addr.to_ip(side.family);
        Self {
            addr,
            port: side.port,
        }
    }
}

impl From<Filter> for SideFilter {
    fn from(Filter { addr, port }: Filter) -> Self {
        Self::new(addr, port)
    }
}
