// SPDX-License-Identifier: GPL-2.0

//! What kernels with the additions of `ipvs_rs` can do besides; others say `EOPNOTSUPP`.

use std::net::IpAddr;

use ipvs_core::config::reply::{AttributeSink, Full};
use ipvs_core::nla::NESTED;
use ipvs_core::uapi::additions::{command, key, top as more, ALL};
use ipvs_core::uapi::top;

use super::Client;
use crate::attributes::Attributes;
use crate::channel::{Channel, Parts};
use crate::connection::{Connection, ConnectionFilter};
use crate::decode;
use crate::error::{Errno, Error};
use crate::key::{DestKey, ServiceKey};
use crate::message::flag;
use crate::monitor::Monitor;
use crate::request::{put_dest, put_dest_key, put_key, put_settings};
use crate::saved::SavedConnections;
use crate::sync::{SyncKeys, SyncState};
use crate::types::{DestSettings, ServiceSettings};

/// A service with its servers, the newest last.
pub type WholeService = (ServiceKey, ServiceSettings, Vec<(DestKey, DestSettings)>);

/// What became of some saved connections, and of how many: see `RESTORE_CONN` in `include/uapi/ipvs_rs.h`.
pub type Outcome = (String, u32);

const NO_ROOM: Error = Error::Malformed("no room for such a request");

impl Client {
    /// Whether the kernel has these commands.
    pub const fn has_additions(&self) -> bool {
        self.group.is_some()
    }

    fn group(&self) -> Result<u32, Error> {
        self.group.ok_or(Error::Kernel(Errno::EOPNOTSUPP))
    }

    /// Connections and persistence templates, in no order.
    ///
    /// # Errors
    ///
    /// `EOPNOTSUPP` if the kernel has no additions; what it says.
    pub fn connections(&mut self, filter: &ConnectionFilter) -> Result<Vec<Connection>, Error> {
        let mut all = Vec::new();
        self.each_connection(filter, |one| all.push(one))?;
        Ok(all)
    }

    /// The same, without keeping them: each is handed over as it comes.
    ///
    /// # Errors
    ///
    /// `EOPNOTSUPP` if the kernel has no additions; what it says.
    pub fn each_connection(
        &mut self,
        filter: &ConnectionFilter,
        mut each: impl FnMut(Connection),
    ) -> Result<(), Error> {
        self.group()?;
        let attributes = filter.attributes().map_err(|_| NO_ROOM)?;
        self.each(command::GET_CONN, attributes.0, |found| {
            each(decode::additions::connection(found)?);
            Ok(())
        })
    }

    /// Ends connections and templates, and tells how many there were. No packet is sent to anybody.
    ///
    /// # Errors
    ///
    /// `EOPNOTSUPP` if the kernel has no additions; what it says.
    pub fn end_connections(&mut self, filter: &ConnectionFilter) -> Result<u32, Error> {
        self.group()?;
        let mut attributes = filter.attributes().map_err(|_| NO_ROOM)?;
        if filter.is_everything() {
            attributes.put_u32(more::FLAGS, ALL).map_err(|_| NO_ROOM)?;
        }
        self.one(command::DEL_CONN, attributes.0, decode::additions::count)
    }

    /// All connections and persistence templates, to be made again later.
    ///
    /// # Errors
    ///
    /// `EOPNOTSUPP` if the kernel cannot; what it says.
    pub fn save_connections(&mut self) -> Result<SavedConnections, Error> {
        self.group()?;
        let told = self.dump(command::SAVE_CONN, vec![], decode::additions::entries)?;
        SavedConnections::told(&told)
    }

    /// Makes saved connections again. Each is taken or refused by itself; those that are there stay as they are.
    ///
    /// # Errors
    ///
    /// `EOPNOTSUPP` if the kernel cannot; what it says. Those before the refused datagram are made then.
    pub fn restore_connections(&mut self, saved: &SavedConnections) -> Result<Vec<Outcome>, Error> {
        self.group()?;
        let mut all: Vec<Outcome> = Vec::new();
        for datagram in saved.datagrams() {
            let mut attributes = Attributes::default();
            attributes
                .put(more::ENTRIES, datagram)
                .map_err(|_| NO_ROOM)?;
            let outcomes = self.one(
                command::RESTORE_CONN,
                attributes.0,
                decode::additions::outcomes,
            )?;
            for (name, count) in outcomes {
                match all.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, sum)) => *sum = sum.saturating_add(count),
                    None => all.push((name, count)),
                }
            }
        }
        Ok(all)
    }

    /// Replaces the keys of the synchronisation daemons. They count at once.
    ///
    /// # Errors
    ///
    /// `EOPNOTSUPP` if the kernel cannot; [`Error::Refused`] with the reason.
    pub fn set_sync_keys(&mut self, keys: &SyncKeys) -> Result<(), Error> {
        let mut out = Attributes::default();
        let put = |out: &mut Attributes| {
            out.put(more::AUTHENTICATION, &[keys.authentication.number()])?;
            for (number, secret) in &keys.keys {
                out.nest(more::KEY | NESTED, |out| {
                    out.put(key::NUMBER, &[*number])?;
                    out.put(key::SECRET, secret)
                })?;
            }
            Ok(())
        };
        put(&mut out).map_err(|_: Full| NO_ROOM)?;
        self.order(command::SET_SYNC_KEYS, out)
    }

    /// Replaces the peers of the synchronisation daemons. They count for daemons that are started from then on. Without any,
    /// daemons talk to their group.
    ///
    /// # Errors
    ///
    /// `EOPNOTSUPP` if the kernel cannot; [`Error::Refused`] with the reason.
    pub fn set_sync_peers(&mut self, peers: &[IpAddr]) -> Result<(), Error> {
        let mut out = Attributes::default();
        for peer in peers {
            let put = match peer {
                IpAddr::V4(addr) => out.put(more::PEER, &addr.octets()),
                IpAddr::V6(addr) => out.put(more::PEER, &addr.octets()),
            };
            put.map_err(|_| NO_ROOM)?;
        }
        self.order(command::SET_SYNC_PEERS, out)
    }

    /// The state of the synchronisation daemons.
    ///
    /// # Errors
    ///
    /// `EOPNOTSUPP` if the kernel cannot; what it says.
    pub fn sync_state(&mut self) -> Result<SyncState, Error> {
        self.group()?;
        let mut state = SyncState::default();
        for part in self.dump(command::GET_SYNC, vec![], decode::sync::state)? {
            state.add(part);
        }
        Ok(state)
    }

    /// Sends a request that has no answer.
    fn order(&mut self, command: u8, attributes: Attributes) -> Result<(), Error> {
        self.group()?;
        let body = super::asking(command, attributes.0);
        self.channel
            .ask(self.family, &body, flag::ACK, |_| Ok(()))?;
        Ok(())
    }

    /// Replaces services together with their servers, all at one moment or, on an error, nothing;
    /// with `others`, services that are not named are deleted.
    ///
    /// # Errors
    ///
    /// `EOPNOTSUPP` if the kernel has no additions; `EMSGSIZE` if the table is longer than a message
    /// may be; [`Error::Refused`] with the place, counted from 0 over services and servers, and
    /// the reason.
    pub fn replace(&mut self, services: &[WholeService], others: bool) -> Result<(), Error> {
        self.group()?;
        let attributes = table(services, others).map_err(|_| NO_ROOM)?;
        self.order(command::APPLY, attributes)
    }

    /// A socket to which all changes are told from now on.
    ///
    /// # Errors
    ///
    /// `EOPNOTSUPP` if the kernel has no additions; what the socket says.
    pub fn monitor(&self) -> Result<Monitor, Error> {
        let group = self.group()?;
        let channel = Channel::open(&self.place, Parts::Long)?;
        channel.join(group)?;
        Ok(Monitor::new(channel, self.family))
    }
}

fn table(services: &[WholeService], others: bool) -> Result<Attributes, Full> {
    let mut out = Attributes::default();
    if others {
        out.put_u32(more::FLAGS, ALL)?;
    }
    for (key, settings, pool) in services {
        out.nest(top::SERVICE, |out| {
            put_key(out, key)?;
            put_settings(out, settings)
        })?;
        for (server, settings) in pool {
            out.nest(top::DEST, |out| {
                put_dest_key(out, server)?;
                put_dest(out, settings)
            })?;
        }
    }
    Ok(out)
}
