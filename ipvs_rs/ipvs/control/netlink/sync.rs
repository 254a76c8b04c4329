// SPDX-License-Identifier: GPL-2.0

//! Commands about the keys and the peers of the synchronisation daemons, and about their state, which the C module has none
//! of.

use ipvs_core::{
    config::{sync, Error as Defect},
    uapi::additions::command,
};
use kernel::prelude::*;
use knet::{
    genetlink::{Do, Dump, Page, Request},
    rcu::Arc,
};

use super::{ipvs, sink};
use crate::{
    control::errno::of_request,
    model::{keyring::Keyring, masters, peers::Peers, Ipvs},
};

/// Tells the sender of a request what is wrong with it.
fn refuse(request: &Request) -> impl Fn(Defect) -> Error + '_ {
    |defect| {
        request.set_err_msg_attr(&[], fmt!("{}", defect.text()));
        of_request(defect)
    }
}

/// `SET_SYNC_KEYS`.
pub(super) struct SetKeys;

impl Do for SetKeys {
    fn run(request: &Request) -> Result {
        let ipvs = ipvs(request)?;
        let bytes = request.attributes();
        let authentication = sync::authentication(bytes).map_err(refuse(request))?;
        let keys = sync::keys(bytes).map_err(refuse(request))?;
        let keyring = Keyring::new(authentication, keys.into_iter().flatten())?;
        ipvs.keyring
            .replace(Some(Arc::new(keyring, GFP_KERNEL_ACCOUNT)?));
        Ok(())
    }
}

/// `SET_SYNC_PEERS`.
pub(super) struct SetPeers;

impl Do for SetPeers {
    fn run(request: &Request) -> Result {
        let ipvs = ipvs(request)?;
        let peers = match sync::peers(request.attributes()).map_err(refuse(request))? {
            Some((family, addrs)) => {
                Some(Arc::new(Peers::new(family, addrs)?, GFP_KERNEL_ACCOUNT)?)
            }
            None => None,
        };
        ipvs.peers.replace(peers);
        Ok(())
    }
}

/// `GET_SYNC`.
pub(super) struct Get;

impl Dump for Get {
    type Cursor = usize;

    fn run(request: &Request, page: &mut Page<'_>, cursor: &mut usize) -> Result {
        let ipvs = ipvs(request)?;
        if *cursor == 0 {
            page.entry(command::GET_SYNC, |message| {
                sink::append(message, |sink| put_whole(&ipvs, sink))
            })?;
            *cursor = 1;
        }
        let masters = ipvs.masters.lock();
        for master in masters.all().iter().skip(cursor.saturating_sub(1)) {
            page.entry(command::GET_SYNC, |message| {
                sink::append(message, |sink| sync::put_master(sink, &view(master)))
            })?;
            *cursor = cursor.saturating_add(1);
        }
        Ok(())
    }
}

/// Adds what is of no single master.
fn put_whole(
    ipvs: &Ipvs,
    sink: &mut sink::Sink<'_, '_>,
) -> Result<(), ipvs_core::config::reply::Full> {
    if let Some(keyring) = ipvs.keyring.get() {
        sync::put_keys(sink, keyring.authentication(), keyring.numbers())?;
    }
    if let Some(peers) = ipvs.peers.get() {
        sync::put_peers(sink, peers.addrs())?;
    }
    for (event, total) in ipvs.sync_events.all() {
        sync::put_event(sink, event, total)?;
    }
    Ok(())
}

/// What a client is told about a stream of a master.
pub(in crate::control) fn view(master: &masters::HeardMaster) -> sync::MasterView {
    sync::MasterView {
        addr: master.addr,
        stream: master.stream,
        epoch: master.epoch,
        is_complete: master.is_complete,
        missing: master.missing,
        silence: master.silence(),
    }
}
