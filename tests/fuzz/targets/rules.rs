// SPDX-License-Identifier: GPL-2.0

//! Any text as a file of rules: each line is a command, a message or nothing; and a rule made of
//! the command is the same command.

#![no_main]

use ipvs_fuzz::rules::same_rule;
use ipvsadm::names::Services;
use ipvsadm::restore::{at, parse_line, Line};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let services = Services::parse("http 80/tcp\ndomain 53/udp\n");
    for (number, text) in text.lines().enumerate() {
        match parse_line("ipvsadm", text, &services) {
            Ok(Some(command)) => same_rule(&command, &services),
            Ok(None) => {}
            Err(failure) => {
                let said = at(Line { number, text }, &failure).message;
                assert!(said.contains(&format!("(line {number}: ")), "{said}");
            }
        }
    }
});
