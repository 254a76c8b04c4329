// SPDX-License-Identifier: GPL-2.0

//! Any bytes as a file of saved connections: what is read, written again, reads the same.

#![no_main]

use ipvs_netlink::{fuzzing, SavedConnections};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    check(data);
    // With a line that is right, for most inputs would end there.
    for entries in [1, 2] {
        check(&fuzzing::saved_file(entries, data));
    }
});

fn check(data: &[u8]) {
    if let Ok(found) = SavedConnections::from_bytes(data) {
        assert!(found.templates() <= found.len());
        assert_eq!(SavedConnections::from_bytes(&found.to_bytes()), Ok(found));
    }
}
