// SPDX-License-Identifier: GPL-2.0

//! The exact form of requests, which the C core checks. By the numbers of the attributes: see [`ktcpvs_core::uapi`].

use knet::genetlink::Policy;
use ktcpvs_core::{config::NAME_MAX, pattern::PATTERN_MAX};

const NO: Policy = Policy::REJECTED;
const NAMED: Policy = Policy::string(NAME_MAX as u16);
/// A u16 that is a family, or between the two.
const FAMILY: Policy = Policy::u16_in(2, 10);
/// An address of either family, as long as it is or as long as the longer one.
const ADDR: Policy = Policy::bytes(4, 16);

/// What identifies a service.
const SERVICE_KEY: &[Policy] = &[NO, NAMED];

/// A service without servers and rules.
const SERVICE_ALONE: &[Policy] = &settings(NO, NO);

/// A service with servers and rules.
const SERVICE_WHOLE: &[Policy] = &settings(Policy::array(SERVER_ONLY), Policy::array(RULE_ONLY));

const fn settings(servers: Policy, rules: Policy) -> [Policy; 20] {
    [
        NO,
        NAMED,                  // NAME
        FAMILY,                 // FAMILY
        ADDR,                   // ADDR
        Policy::U16,            // PORT
        NAMED,                  // SCHEDULER
        Policy::U32,            // START
        Policy::U32,            // MAX_CLIENTS
        Policy::U32,            // MIN_SPARE
        Policy::U32,            // MAX_SPARE
        ADDR,                   // REDIRECT_ADDR
        Policy::U16,            // REDIRECT_PORT
        Policy::U32,            // FLAGS
        ADDR,                   // TRUSTED_ADDR
        Policy::u32_in(0, 128), // TRUSTED_BITS
        Policy::bytes(8, 8),    // MAX_BODY
        Policy::U32,            // IDLE
        NO,                     // STATES
        servers,                // SERVERS
        rules,                  // RULES
    ]
}

const SERVER_ONLY: &[Policy] = &[
    NO,
    FAMILY,      // FAMILY
    ADDR,        // ADDR
    Policy::U16, // PORT
    Policy::U32, // WEIGHT
];

const RULE_ONLY: &[Policy] = &[
    NO,
    Policy::string(PATTERN_MAX as u16), // PATTERN
    Policy::u8_in(0, 9),                // MATCH
    FAMILY,                             // FAMILY
    ADDR,                               // ADDR
    Policy::U16,                        // PORT
];

/// What relays are told by.
const RELAY_ONLY: &[Policy] = &[
    NO,
    ADDR,        // CLIENT_ADDR
    Policy::U16, // CLIENT_PORT
    ADDR,        // SERVER_ADDR
    Policy::U16, // SERVER_PORT
];

/// No attribute.
pub(super) const NOTHING: &[Policy] = &[NO, NO];
/// At most the name of a service.
pub(super) const NAME: &[Policy] = &[NO, Policy::nest(SERVICE_KEY)];
/// A service.
pub(super) const SERVICE: &[Policy] = &[NO, Policy::nest(SERVICE_ALONE)];
/// The name of a service, and a server.
pub(super) const SERVER: &[Policy] = &[NO, Policy::nest(SERVICE_KEY), Policy::nest(SERVER_ONLY)];
/// The name of a service, and a rule.
pub(super) const RULE: &[Policy] = &[NO, Policy::nest(SERVICE_KEY), NO, Policy::nest(RULE_ONLY)];
/// Whole services.
pub(super) const APPLY: &[Policy] = &[NO, Policy::nest(SERVICE_WHOLE)];
/// The name of a service, and relays.
pub(super) const RELAY: &[Policy] = &[
    NO,
    Policy::nest(SERVICE_KEY),
    NO,
    NO,
    Policy::nest(RELAY_ONLY),
];
/// The same, or that all relays are meant.
pub(super) const END_RELAYS: &[Policy] = &[
    NO,
    Policy::nest(SERVICE_KEY),
    NO,
    NO,
    Policy::nest(RELAY_ONLY),
    NO,
    Policy::u32_in(0, 1), // FLAGS
];
