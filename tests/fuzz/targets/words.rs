// SPDX-License-Identifier: GPL-2.0

//! Any words, one in each line, as a command line of the tool: they mean something or there is a
//! message; and a rule made of what they mean means the same.

#![no_main]

use ipvs_fuzz::rules::same_rule;
use ipvsadm::command::interpret;
use ipvsadm::names::Services;
use ipvsadm::{address, cli, extra};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let services = Services::parse("http 80/tcp\ndomain 53/udp\n");
    let words: Vec<String> = text.lines().map(str::to_owned).collect();
    match cli::parse("ipvsadm", &words, &services).map(|typed| typed.map(interpret)) {
        Ok(Some(Err(failure))) | Err(failure) => assert!(!failure.message.is_empty()),
        Ok(Some(Ok(command))) => same_rule(&command, &services),
        Ok(None) => assert!(words.is_empty()),
    }
    let _ = extra::command().try_get_matches_from(&words);
    for word in &words {
        if let Some(number) = address::number(word, 3, 70_000) {
            assert!((3..=70_000).contains(&number));
            assert_eq!(
                address::number(&number.to_string(), 3, 70_000),
                Some(number)
            );
        }
        if let Some([a, b, c, d]) = address::ipv4(word) {
            assert_eq!(
                address::ipv4(&format!("{a}.{b}.{c}.{d}")),
                Some([a, b, c, d])
            );
        }
    }
});
