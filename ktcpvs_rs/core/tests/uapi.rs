// SPDX-License-Identifier: GPL-2.0

//! The C header and the constants here say the same.

use ktcpvs_core::uapi::{
    action, command, relay, rule, server, service, service_flags, stats, top, ALL, FAMILY_NAME,
    FAMILY_VERSION, GROUP,
};

/// The names and numbers of the header's enumerations and macros, in order.
fn header() -> Vec<(String, String)> {
    let text = include_str!("../../../include/uapi/ktcpvs.h");
    let (mut names, mut next) = (Vec::new(), 0);
    for line in text.lines().map(str::trim) {
        let words: Vec<_> = line.split_whitespace().collect();
        match *words {
            ["enum", ..] => next = 0,
            ["#define", name, value] => names.push((name.into(), value.trim_matches('"').into())),
            [name, ..] if name.starts_with("KTCPVS_") => {
                if let ["=", value, ..] = words[1..] {
                    next = value.trim_end_matches(',').parse().expect("a number");
                }
                names.push((name.trim_end_matches(',').into(), next.to_string()));
                next += 1;
            }
            _ => {}
        }
    }
    names
}

#[test]
#[rustfmt::skip]
fn the_header_and_the_constants_agree() {
    let ours = [
        ("GENL_NAME", FAMILY_NAME.to_string()),
        ("GENL_VERSION", FAMILY_VERSION.to_string()),
        ("GROUP", GROUP.to_string()),
        ("CMD_NEW_SERVICE", command::NEW_SERVICE.to_string()),
        ("CMD_SET_SERVICE", command::SET_SERVICE.to_string()),
        ("CMD_DEL_SERVICE", command::DEL_SERVICE.to_string()),
        ("CMD_GET_SERVICE", command::GET_SERVICE.to_string()),
        ("CMD_NEW_SERVER", command::NEW_SERVER.to_string()),
        ("CMD_SET_SERVER", command::SET_SERVER.to_string()),
        ("CMD_DEL_SERVER", command::DEL_SERVER.to_string()),
        ("CMD_GET_SERVER", command::GET_SERVER.to_string()),
        ("CMD_NEW_RULE", command::NEW_RULE.to_string()),
        ("CMD_DEL_RULE", command::DEL_RULE.to_string()),
        ("CMD_GET_RULE", command::GET_RULE.to_string()),
        ("CMD_FLUSH", command::FLUSH.to_string()),
        ("CMD_START", command::START.to_string()),
        ("CMD_STOP", command::STOP.to_string()),
        ("CMD_INFO", command::INFO.to_string()),
        ("CMD_APPLY", command::APPLY.to_string()),
        ("CMD_GET_RELAY", command::GET_RELAY.to_string()),
        ("CMD_DEL_RELAY", command::DEL_RELAY.to_string()),
        ("CMD_EVENT", command::EVENT.to_string()),
        ("ATTR_SERVICE", top::SERVICE.to_string()),
        ("ATTR_SERVER", top::SERVER.to_string()),
        ("ATTR_RULE", top::RULE.to_string()),
        ("ATTR_RELAY", top::RELAY.to_string()),
        ("ATTR_VERSION", top::VERSION.to_string()),
        ("ATTR_FLAGS", top::FLAGS.to_string()),
        ("ATTR_ACTION", top::ACTION.to_string()),
        ("ATTR_PORTID", top::PORTID.to_string()),
        ("ATTR_COUNT", top::COUNT.to_string()),
        ("ALL", ALL.to_string()),
        ("ACTION_NEW", action::NEW.to_string()),
        ("ACTION_SET", action::SET.to_string()),
        ("ACTION_DEL", action::DEL.to_string()),
        ("ACTION_FLUSH", action::FLUSH.to_string()),
        ("ACTION_START", action::START.to_string()),
        ("ACTION_STOP", action::STOP.to_string()),
        ("ACTION_APPLY", action::APPLY.to_string()),
        ("SERVICE_NAME", service::NAME.to_string()),
        ("SERVICE_FAMILY", service::FAMILY.to_string()),
        ("SERVICE_ADDR", service::ADDR.to_string()),
        ("SERVICE_PORT", service::PORT.to_string()),
        ("SERVICE_SCHEDULER", service::SCHEDULER.to_string()),
        ("SERVICE_START", service::START.to_string()),
        ("SERVICE_MAX_CLIENTS", service::MAX_CLIENTS.to_string()),
        ("SERVICE_MIN_SPARE", service::MIN_SPARE.to_string()),
        ("SERVICE_MAX_SPARE", service::MAX_SPARE.to_string()),
        ("SERVICE_REDIRECT_ADDR", service::REDIRECT_ADDR.to_string()),
        ("SERVICE_REDIRECT_PORT", service::REDIRECT_PORT.to_string()),
        ("SERVICE_FLAGS", service::FLAGS.to_string()),
        ("SERVICE_TRUSTED_ADDR", service::TRUSTED_ADDR.to_string()),
        ("SERVICE_TRUSTED_BITS", service::TRUSTED_BITS.to_string()),
        ("SERVICE_MAX_BODY", service::MAX_BODY.to_string()),
        ("SERVICE_IDLE", service::IDLE.to_string()),
        ("SERVICE_STATES", service::STATES.to_string()),
        ("SERVICE_SERVERS", service::SERVERS.to_string()),
        ("SERVICE_RULES", service::RULES.to_string()),
        ("SERVICE_STATS", service::STATS.to_string()),
        ("SERVICE_PAD", service::PAD.to_string()),
        ("F_FORWARDED", service_flags::FORWARDED.to_string()),
        ("F_TRANSPARENT", service_flags::TRANSPARENT.to_string()),
        ("F_SNI", service_flags::SNI.to_string()),
        ("F_PROXY_V2", service_flags::PROXY_V2.to_string()),
        ("F_RUNNING", service_flags::RUNNING.to_string()),
        ("F_DRAINING", service_flags::DRAINING.to_string()),
        ("SERVER_FAMILY", server::FAMILY.to_string()),
        ("SERVER_ADDR", server::ADDR.to_string()),
        ("SERVER_PORT", server::PORT.to_string()),
        ("SERVER_WEIGHT", server::WEIGHT.to_string()),
        ("SERVER_CONNS", server::CONNS.to_string()),
        ("SERVER_POOLED", server::POOLED.to_string()),
        ("SERVER_DOWN", server::DOWN.to_string()),
        ("SERVER_STATS", server::STATS.to_string()),
        ("RULE_PATTERN", rule::PATTERN.to_string()),
        ("RULE_MATCH", rule::MATCH.to_string()),
        ("RULE_FAMILY", rule::FAMILY.to_string()),
        ("RULE_ADDR", rule::ADDR.to_string()),
        ("RULE_PORT", rule::PORT.to_string()),
        ("RELAY_CLIENT_ADDR", relay::CLIENT_ADDR.to_string()),
        ("RELAY_CLIENT_PORT", relay::CLIENT_PORT.to_string()),
        ("RELAY_SERVER_ADDR", relay::SERVER_ADDR.to_string()),
        ("RELAY_SERVER_PORT", relay::SERVER_PORT.to_string()),
        ("RELAY_STATE", relay::STATE.to_string()),
        ("RELAY_AGE", relay::AGE.to_string()),
        ("RELAY_IN", relay::IN.to_string()),
        ("RELAY_OUT", relay::OUT.to_string()),
        ("RELAY_REQUESTS", relay::REQUESTS.to_string()),
        ("RELAY_PAD", relay::PAD.to_string()),
        ("STATS_CONNS", stats::CONNS.to_string()),
        ("STATS_REQUESTS", stats::REQUESTS.to_string()),
        ("STATS_IN", stats::IN.to_string()),
        ("STATS_OUT", stats::OUT.to_string()),
        ("STATS_S2XX", stats::S2XX.to_string()),
        ("STATS_S3XX", stats::S3XX.to_string()),
        ("STATS_S4XX", stats::S4XX.to_string()),
        ("STATS_S5XX", stats::S5XX.to_string()),
        ("STATS_ERRORS", stats::ERRORS.to_string()),
        ("STATS_REUSED", stats::REUSED.to_string()),
        ("STATS_RETRIED", stats::RETRIED.to_string()),
        ("STATS_PAD", stats::PAD.to_string()),
    ];
    let ours = ours.map(|(name, value)| (format!("KTCPVS_{name}"), value));
    assert_eq!(header(), ours);
}

#[test]
fn the_highest_attributes_are_the_highest() {
    for (max, last) in [
        (top::MAX, top::COUNT),
        (service::MAX, service::PAD),
        (server::MAX, server::STATS),
        (rule::MAX, rule::PORT),
        (relay::MAX, relay::PAD),
        (stats::MAX, stats::PAD),
    ] {
        assert_eq!(max, last);
    }
}
