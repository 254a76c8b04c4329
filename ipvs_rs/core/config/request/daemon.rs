// SPDX-License-Identifier: GPL-2.0

//! The nest that describes a synchronisation daemon.

use super::read;
use crate::addr::{Addr, Family};
use crate::config::{DaemonRole, DaemonSpec, Error, Name};
use crate::nla::{Attributes, Kind};
use crate::uapi::{self, daemon};

const POLICY: [Kind; 8] = [
    Kind::U32,                                 // STATE
    Kind::NulString(uapi::INTERFACE_NAME_MAX), // MCAST_IFN
    Kind::U32,                                 // SYNC_ID
    Kind::U16,                                 // SYNC_MAXLEN
    Kind::U32,                                 // MCAST_GROUP
    Kind::AtLeast(16),                         // MCAST_GROUP6
    Kind::U16,                                 // MCAST_PORT
    Kind::U8,                                  // MCAST_TTL
];

/// The role of the synchronisation daemon that a nest names, for stopping it.
///
/// # Errors
///
/// [`Error::Malformed`], [`Error::Missing`] or [`Error::DaemonRole`].
pub fn daemon_role(nest: &[u8]) -> Result<DaemonRole, Error> {
    let mut attributes = Attributes::none();
    read(&mut attributes, nest, &POLICY)?;
    let state = attributes.u32(daemon::STATE);
    DaemonRole::from_number(state.ok_or(Error::Missing)?).ok_or(Error::DaemonRole)
}

/// The synchronisation daemon that a nest describes, for starting it.
///
/// # Errors
///
/// [`Error::Malformed`], [`Error::Missing`] or [`Error::NotMulticast`]. See also
/// [`DaemonSpec::role`].
pub fn daemon(nest: &[u8]) -> Result<DaemonSpec, Error> {
    let mut attributes = Attributes::none();
    read(&mut attributes, nest, &POLICY)?;
    let state = attributes.u32(daemon::STATE).ok_or(Error::Missing)?;
    let interface = attributes.string(daemon::MCAST_IFN).ok_or(Error::Missing)?;
    let sync_id = attributes.u32(daemon::SYNC_ID).ok_or(Error::Missing)?;
    let group = group(&attributes)?;
    Ok(DaemonSpec {
        state,
        interface: Name::new(interface).ok_or(Error::Malformed)?,
        sync_id,
        max_len: attributes.u16(daemon::SYNC_MAXLEN).unwrap_or(0),
        group,
        port: attributes.u16(daemon::MCAST_PORT).unwrap_or(0),
        ttl: attributes.u8(daemon::MCAST_TTL).unwrap_or(0),
    })
}

/// The multicast group; [`None`] for the default one.
fn group(attributes: &Attributes<'_, 8>) -> Result<Option<(Family, Addr)>, Error> {
    if let Some(group) = attributes.padded::<4>(daemon::MCAST_GROUP) {
        let [first, ..] = group;
        // RFC 5771: 224.0.0.0/4.
        return match first & 0xF0 {
            0xE0 => Ok(Some((Family::V4, Addr::from_v4(group)))),
            _ => Err(Error::NotMulticast),
        };
    }
    let Some(group) = attributes.padded::<16>(daemon::MCAST_GROUP6) else {
        return Ok(None);
    };
    let [first, ..] = group;
    // RFC 4291, section 2.7: ff00::/8.
    match first {
        0xFF => Ok(Some((Family::V6, Addr::from_v6(group)))),
        _ => Err(Error::NotMulticast),
    }
}
