// SPDX-License-Identifier: GPL-2.0

//! The parsers meet bytes of all kinds and do not panic: arbitrary ones, and command lines with
//! changes. A bounded run in place of cargo-fuzz, which needs a nightly compiler.

use ipvsadm::command::interpret;
use ipvsadm::names::Services;
use ipvsadm::{cli, connections, options, restore};
use proptest::prelude::*;

/// Words that are near to what has a meaning.
fn word() -> impl Strategy<Value = String> {
    let options: Vec<String> = options::OPTIONS
        .iter()
        .flat_map(|option| {
            let long = format!("--{}", option.long);
            std::iter::once(long).chain(option.short.map(|letter| format!("-{letter}")))
        })
        .collect();
    let values = [
        "10.0.0.1:80",
        "[::1]:80",
        "[::1",
        "::",
        ":",
        "1",
        "0",
        "-1",
        "4294967296",
        "rr",
        "gue",
        "master",
        "flag-1,,sh-port",
        "224.0.0.1",
        "ff02::1",
        "",
        "-",
        "--",
        "=",
        "-Ln=",
        "--stats=x",
        "ipvsadm",
        "\u{0}",
        "é",
    ];
    prop_oneof![
        4 => proptest::sample::select(options),
        3 => proptest::sample::select(values.to_vec()).prop_map(str::to_owned),
        1 => "\\PC{0,20}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn words_have_a_meaning_or_a_message(words in proptest::collection::vec(word(), 0..8)) {
        let services = Services::parse("http 80/tcp\n");
        match cli::parse("ipvsadm", &words, &services).map(|typed| typed.map(interpret)) {
            Ok(Some(Err(failure))) | Err(failure) => prop_assert!(!failure.message.is_empty()),
            Ok(Some(Ok(_)) | None) => {}
        }
    }

    #[test]
    fn lines_of_any_bytes_are_restored_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let services = Services::parse("");
        for line in text.lines() {
            let _ = restore::parse_line("ipvsadm", line, &services);
        }
    }

    #[test]
    fn saved_rules_with_a_flipped_byte_are_restored_or_refused(at in any::<usize>(), byte in any::<u8>()) {
        let rules = b"-A -t 10.0.0.1:80 -s sh -p 360 -M 255.255.0.0 -b sh-port --pe sip
-a -t [2001:db8::1]:443 -r [2001:db8::2]:443 -i -w 7 --tun-type gue --tun-port 6080 --tun-csum -x 9 -y 3";
        let mut bytes = rules.to_vec();
        let at = at % bytes.len();
        bytes[at] = byte;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        for line in text.lines() {
            let _ = restore::parse_line("ipvsadm", line, &Services::parse(""));
        }
    }

    #[test]
    fn lists_of_connections_are_read_or_left(text in "\\PC{0,200}", line in "[A-Z]{3} ([0-9A-F:]{1,39} [0-9A-F]{1,5} ){3}[A-Z]{1,9} [0-9]{1,22}") {
        let _ = connections::parse(&text);
        let _ = connections::parse(&format!("header\n{line}"));
    }
}
