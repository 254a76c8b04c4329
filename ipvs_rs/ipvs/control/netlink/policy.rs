// SPDX-License-Identifier: GPL-2.0

//! The exact form of the attributes of the additions. The C core checks it, and tells the sender of a request which
//! attribute is wrong, and why. [`ipvs_core::config`] checks the rest.

use ipvs_core::{
    config::conns::STATE_MAX,
    uapi::{
        additions::{
            key::{SECRET_MAX, SECRET_MIN},
            top, ALL, ENTRIES_MAX,
        },
        service, PE_NAME_MAX, SCHEDULER_NAME_MAX,
    },
};
use knet::genetlink::Policy;

const NO: Policy = Policy::REJECTED;
/// A u16 that is a family, or between the two.
const FAMILY: Policy = Policy::u16_in(2, 10);
/// An address of either family, as long as it is or as long as the longer one.
const ADDR: Policy = Policy::bytes(4, 16);
/// See [`ALL`].
const FLAGS: Policy = Policy::u32_in(0, ALL as i16);

/// What identifies a service: the first attributes of a [`SERVICE`].
const SERVICE_KEY: &[Policy] = up_to(service::FWMARK, SERVICE);

/// The conditions that a connection can be looked for by.
const CONN: &[Policy] = &[
    NO,
    FAMILY,                           // FAMILY
    Policy::u16_in(0, 255),           // PROTOCOL
    ADDR,                             // CLIENT_ADDR
    Policy::U16,                      // CLIENT_PORT
    ADDR,                             // VIRTUAL_ADDR
    Policy::U16,                      // VIRTUAL_PORT
    ADDR,                             // SERVER_ADDR
    Policy::U16,                      // SERVER_PORT
    Policy::string(STATE_MAX as u16), // STATE
];

/// A whole service.
const SERVICE: &[Policy] = &[
    NO,
    FAMILY,                                    // AF
    Policy::U16,                               // PROTOCOL
    ADDR,                                      // ADDR
    Policy::U16,                               // PORT
    Policy::U32,                               // FWMARK
    Policy::string(SCHEDULER_NAME_MAX as u16), // SCHED_NAME
    Policy::bytes(8, 8),                       // FLAGS
    Policy::U32,                               // TIMEOUT
    Policy::U32,                               // NETMASK
    NO,                                        // STATS
    Policy::string(PE_NAME_MAX as u16),        // PE_NAME
];

/// A whole server.
const DEST: &[Policy] = &[
    NO,
    ADDR,                 // ADDR
    Policy::U16,          // PORT
    Policy::u32_in(0, 4), // FWD_METHOD
    Policy::U32,          // WEIGHT
    Policy::U32,          // U_THRESH
    Policy::U32,          // L_THRESH
    NO,                   // ACTIVE_CONNS
    NO,                   // INACT_CONNS
    NO,                   // PERSIST_CONNS
    NO,                   // STATS
    FAMILY,               // ADDR_FAMILY
    NO,                   // STATS64
    Policy::u8_in(0, 2),  // TUN_TYPE
    Policy::U16,          // TUN_PORT
    Policy::u16_in(0, 3), // TUN_FLAGS
];

/// Of `GET_CONN`, by the numbers of the attributes, see [`top`].
pub(super) const GET_CONN: &[Policy] = up_to(top::CONN, DEL_CONN);

/// Of `DEL_CONN`.
pub(super) const DEL_CONN: &[Policy] =
    &at_top(Policy::nest(SERVICE_KEY), NO, Policy::nest(CONN), FLAGS);

/// Of `APPLY`.
pub(super) const APPLY: &[Policy] = &at_top(Policy::nest(SERVICE), Policy::nest(DEST), NO, FLAGS);

/// The policy of a command. The attributes that only commands of the C module have are refused.
const fn at_top(service: Policy, dest: Policy, conn: Policy, flags: Policy) -> [Policy; 18] {
    [
        NO, service, dest, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, conn, flags,
    ]
}

/// The policies of the attributes up to the number `last`.
const fn up_to(last: u16, policies: &'static [Policy]) -> &'static [Policy] {
    // CAST: A u16 fits.
    match policies.split_at_checked((last as usize).saturating_add(1)) {
        Some((head, _)) => head,
        None => policies,
    }
}

/// Of `SAVE_CONN`: no attribute.
pub(super) const SAVE_CONN: &[Policy] = &[NO, NO];

/// Of `RESTORE_CONN`.
pub(super) const RESTORE_CONN: &[Policy] = &only([(top::ENTRIES, Policy::bytes(1, ENTRIES_MAX))]);

/// A key.
const KEY: &[Policy] = &[
    NO,
    Policy::u8_in(0, 255),                               // NUMBER
    Policy::bytes(SECRET_MIN as i16, SECRET_MAX as i16), // SECRET
];

/// Of `SET_SYNC_KEYS`.
pub(super) const SET_SYNC_KEYS: &[Policy] = &only([
    (top::AUTHENTICATION, Policy::u8_in(0, 2)),
    (top::KEY, Policy::nest(KEY)),
]);

/// Of `SET_SYNC_PEERS`.
pub(super) const SET_SYNC_PEERS: &[Policy] = &only([(top::PEER, ADDR)]);

/// Of `GET_SYNC`: no attribute.
pub(super) const GET_SYNC: &[Policy] = SAVE_CONN;

/// The policy of a command that has these attributes only.
const fn only<const N: usize>(allowed: [(u16, Policy); N]) -> [Policy; top::MAX as usize] {
    let mut all = [NO; top::MAX as usize];
    let mut rest: &[(u16, Policy)] = &allowed;
    while let [(kind, policy), others @ ..] = rest {
        // CAST: A u16 fits.
        all[*kind as usize] = *policy;
        rest = others;
    }
    all
}
