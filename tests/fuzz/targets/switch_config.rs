// SPDX-License-Identifier: GPL-2.0

//! Any bytes as a configuration file of the layer-7 switch: items and then perhaps a fault; items that were read, and are written
//! again, read the same.

#![no_main]

use ktcpvs_core::config::{Item, Parser};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let lines = data.iter().filter(|byte| **byte == b'\n').count() + 1;
    let mut items: Vec<Item<'_>> = Vec::new();
    for item in Parser::new(data) {
        match item {
            Ok((line, item)) => {
                assert!((1..=lines).contains(&line));
                items.push(item);
            }
            Err(fault) => assert!((1..=lines).contains(&fault.line) && !fault.what.is_empty()),
        }
    }
    // What was begun before the fault has an end.
    if items
        .iter()
        .rfind(|item| matches!(item, Item::Begin(_) | Item::End))
        .is_some_and(|item| *item != Item::End)
    {
        items.push(Item::End);
    }
    let mut text = Vec::new();
    for item in &items {
        // A backslash before a quote is not written, and one at the end would make another quote of the one behind it.
        if let Item::Rule { pattern, .. } = item {
            let bytes: Vec<u8> = pattern.bytes().collect();
            let odd = bytes
                .iter()
                .rev()
                .take_while(|byte| **byte == b'\\')
                .count()
                % 2
                == 1;
            if odd || bytes.windows(2).any(|two| two == b"\\\"") || bytes.contains(&b'\n') {
                return;
            }
        }
        item.write(&mut |bytes| text.extend(bytes));
    }
    let again: Result<Vec<_>, _> = Parser::new(&text)
        .map(|item| item.map(|(_, item)| item))
        .collect();
    assert_eq!(again, Ok(items));
});
