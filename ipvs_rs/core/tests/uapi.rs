// SPDX-License-Identifier: GPL-2.0

//! The C header of the additions and the constants here say the same.

use ipvs_core::uapi::additions::{
    action, authentication, command, conn, key, master, outcome, top, ALL, GROUP,
};

/// The names and numbers of the header's enumerations and macros, in order.
fn header() -> Vec<(String, String)> {
    let text = include_str!("../../../include/uapi/ipvs_rs.h");
    let (mut names, mut next) = (Vec::new(), 0);
    for line in text.lines().map(str::trim) {
        let mut words = line.split_whitespace();
        match (words.next(), words.next(), words.next()) {
            (Some("enum"), ..) => next = 0,
            (Some("#define"), Some(name), Some(value)) => {
                names.push((name.into(), value.trim_matches('"').into()));
            }
            (Some(name), Some("="), Some(value)) if name.starts_with("IPVS_RS_") => {
                let number: u32 = value.trim_end_matches(',').parse().expect("a number");
                names.push((name.into(), number.to_string()));
                next = number + 1;
            }
            (Some(name), ..) if name.starts_with("IPVS_RS_") => {
                names.push((name.trim_end_matches(',').into(), next.to_string()));
                next += 1;
            }
            _ => {}
        }
    }
    names
}

#[test]
fn the_header_and_the_constants_agree() {
    let ours = [
        ("GROUP", GROUP.to_string()),
        ("CMD_EVENT", command::EVENT.to_string()),
        ("CMD_GET_CONN", command::GET_CONN.to_string()),
        ("CMD_NEW_CONN", command::NEW_CONN.to_string()),
        ("CMD_DEL_CONN", command::DEL_CONN.to_string()),
        ("CMD_APPLY", command::APPLY.to_string()),
        ("CMD_SAVE_CONN", command::SAVE_CONN.to_string()),
        ("CMD_RESTORE_CONN", command::RESTORE_CONN.to_string()),
        ("CMD_SET_SYNC_KEYS", command::SET_SYNC_KEYS.to_string()),
        ("CMD_SET_SYNC_PEERS", command::SET_SYNC_PEERS.to_string()),
        ("CMD_GET_SYNC", command::GET_SYNC.to_string()),
        ("ATTR_CONN", top::CONN.to_string()),
        ("ATTR_FLAGS", top::FLAGS.to_string()),
        ("ATTR_COUNT", top::COUNT.to_string()),
        ("ATTR_ACTION", top::ACTION.to_string()),
        ("ATTR_CHANGED", top::CHANGED.to_string()),
        ("ATTR_PORTID", top::PORTID.to_string()),
        ("ATTR_SETTING", top::SETTING.to_string()),
        ("ATTR_VALUE", top::VALUE.to_string()),
        ("ATTR_ENTRIES", top::ENTRIES.to_string()),
        ("ATTR_OUTCOME", top::OUTCOME.to_string()),
        ("ATTR_AUTHENTICATION", top::AUTHENTICATION.to_string()),
        ("ATTR_KEY", top::KEY.to_string()),
        ("ATTR_PEER", top::PEER.to_string()),
        ("ATTR_MASTER", top::MASTER.to_string()),
        ("ATTR_EVENTS", top::EVENTS.to_string()),
        ("OUTCOME_NAME", outcome::NAME.to_string()),
        ("OUTCOME_COUNT", outcome::COUNT.to_string()),
        ("OUTCOME_TOTAL", outcome::TOTAL.to_string()),
        ("AUTHENTICATION_OFF", authentication::OFF.to_string()),
        (
            "AUTHENTICATION_OPTIONAL",
            authentication::OPTIONAL.to_string(),
        ),
        (
            "AUTHENTICATION_REQUIRED",
            authentication::REQUIRED.to_string(),
        ),
        ("KEY_NUMBER", key::NUMBER.to_string()),
        ("KEY_SECRET", key::SECRET.to_string()),
        ("MASTER_ADDR", master::ADDR.to_string()),
        ("MASTER_STREAM", master::STREAM.to_string()),
        ("MASTER_EPOCH", master::EPOCH.to_string()),
        ("MASTER_COMPLETE", master::COMPLETE.to_string()),
        ("MASTER_MISSING", master::MISSING.to_string()),
        ("MASTER_SILENCE", master::SILENCE.to_string()),
        ("F_ALL", ALL.to_string()),
        ("ACTION_NEW", action::NEW.to_string()),
        ("ACTION_SET", action::SET.to_string()),
        ("ACTION_DEL", action::DEL.to_string()),
        ("ACTION_FLUSH", action::FLUSH.to_string()),
        ("ACTION_ZERO", action::ZERO.to_string()),
        ("CONN_FAMILY", conn::FAMILY.to_string()),
        ("CONN_PROTOCOL", conn::PROTOCOL.to_string()),
        ("CONN_CLIENT_ADDR", conn::CLIENT_ADDR.to_string()),
        ("CONN_CLIENT_PORT", conn::CLIENT_PORT.to_string()),
        ("CONN_VIRTUAL_ADDR", conn::VIRTUAL_ADDR.to_string()),
        ("CONN_VIRTUAL_PORT", conn::VIRTUAL_PORT.to_string()),
        ("CONN_SERVER_ADDR", conn::SERVER_ADDR.to_string()),
        ("CONN_SERVER_PORT", conn::SERVER_PORT.to_string()),
        ("CONN_STATE", conn::STATE.to_string()),
        ("CONN_SERVER_FAMILY", conn::SERVER_FAMILY.to_string()),
        ("CONN_FLAGS", conn::FLAGS.to_string()),
        ("CONN_EXPIRES", conn::EXPIRES.to_string()),
        ("CONN_IN_PACKETS", conn::IN_PACKETS.to_string()),
        ("CONN_PE_NAME", conn::PE_NAME.to_string()),
        ("CONN_PE_DATA", conn::PE_DATA.to_string()),
    ];
    let ours = ours.map(|(name, value)| (format!("IPVS_RS_{name}"), value));
    assert_eq!(header(), ours);
}
