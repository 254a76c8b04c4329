// SPDX-License-Identifier: GPL-2.0

//! The state of the synchronisation daemons.

use std::net::IpAddr;

use ipvs_core::nla::Iter;
use ipvs_core::sync::Authentication;
use ipvs_core::uapi::additions::{action, key, master, outcome, top};

use super::{present, read};
use crate::error::Error;
use crate::monitor::MasterChange;
use crate::sync::{Master, SyncState};

/// The attributes of a master.
const MASTER: usize = master::SILENCE as usize;

/// A message of the answer to a question for the state.
pub(crate) fn state(bytes: &[u8]) -> Result<SyncState, Error> {
    let mut state = SyncState::default();
    for (kind, payload) in Iter::new(bytes) {
        match kind {
            top::AUTHENTICATION => {
                let number = present(payload.first().copied())?;
                state.authentication = Authentication::from_number(number);
            }
            top::KEY => state
                .keys
                .push(present(read::<2>(payload)?.u8(key::NUMBER))?),
            top::PEER => state.peers.push(addr(payload)?),
            top::MASTER => state.masters.push(master(payload)?),
            top::EVENTS => {
                let found = read::<3>(payload)?;
                let name = present(found.string(outcome::NAME))?;
                let total = present(found.bytes(outcome::TOTAL))?;
                let total = total.first_chunk().copied().map(u64::from_ne_bytes);
                let name = String::from_utf8_lossy(name).into_owned();
                state.events.push((name, present(total)?));
            }
            _ => {}
        }
    }
    Ok(state)
}

fn addr(payload: &[u8]) -> Result<IpAddr, Error> {
    let v4 = <[u8; 4]>::try_from(payload).map(IpAddr::from);
    let addr = v4.or_else(|_| <[u8; 16]>::try_from(payload).map(IpAddr::from));
    present(addr.ok())
}

/// A nest about a master.
fn master(nest: &[u8]) -> Result<Master, Error> {
    let found = read::<MASTER>(nest)?;
    Ok(Master {
        addr: addr(present(found.bytes(master::ADDR))?)?,
        stream: present(found.u16(master::STREAM))?,
        epoch: present(found.u32(master::EPOCH))?,
        is_complete: present(found.u8(master::COMPLETE))? != 0,
        missing: present(found.u32(master::MISSING))?,
        silence: present(found.u32(master::SILENCE))?,
    })
}

/// What became of a master; [`None`] for an action that is not known here.
pub(crate) fn change(action: u32, nest: &[u8]) -> Result<Option<(MasterChange, Master)>, Error> {
    let change = match action {
        action::NEW => MasterChange::Heard,
        action::SET => MasterChange::Completed,
        action::DEL => MasterChange::Lost,
        _ => return Ok(None),
    };
    Ok(Some((change, master(nest)?)))
}

#[cfg(test)]
mod tests {
    use ipvs_core::config::sync as written;
    use proptest::prelude::*;

    use super::*;
    use crate::attributes::Attributes;

    #[test]
    fn reads_the_state_that_the_kernel_writes() {
        let mut out = Attributes::default();
        let (v4, v6) = (IpAddr::from([10, 0, 0, 2]), IpAddr::from([1; 16]));
        written::put_keys(&mut out, Authentication::Required, [7, 200].into_iter()).unwrap();
        written::put_peers(&mut out, [v4, v6].into_iter()).unwrap();
        written::put_event(&mut out, "sent_datagrams", 1 << 40).unwrap();
        let view = written::MasterView {
            addr: v6,
            stream: 3,
            epoch: 4,
            is_complete: true,
            missing: 5,
            silence: 6,
        };
        written::put_master(&mut out, &view).unwrap();
        let expected = Master {
            addr: v6,
            stream: 3,
            epoch: 4,
            is_complete: true,
            missing: 5,
            silence: 6,
        };
        assert_eq!(
            state(&out.0).unwrap(),
            SyncState {
                authentication: Some(Authentication::Required),
                keys: vec![7, 200],
                peers: vec![v4, v6],
                masters: vec![expected],
                events: vec![("sent_datagrams".to_owned(), 1 << 40)],
            }
        );
        assert_eq!(state(&[]).unwrap(), SyncState::default());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = super::state(&bytes);
            let _ = super::change(action::NEW, &bytes);
        }
    }
}
