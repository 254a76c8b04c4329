// SPDX-License-Identifier: GPL-2.0

//! Any bytes as a datagram of a synchronisation daemon: it has at most as many entries as its header says, a malformed
//! entry is the last one, and the entries that are taken, written again, read the same.

#![no_main]

use ipvs_core::sync::{parse, Control, Fault, Trailer, Version, Writer};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    check(data);
    // With a length that is right, for most inputs would end there.
    let mut sized = data.to_vec();
    if let (Some(place), Ok(size)) = (sized.get_mut(2..4), u16::try_from(data.len())) {
        place.copy_from_slice(&size.to_be_bytes());
        check(&sized);
    }
});

fn check(data: &[u8]) {
    if let Some(control) = Control::read(data, 0) {
        let again = control.write(data[1]);
        assert_eq!(Control::read(&again, 0), Some(control));
    }
    let Ok(entries) = parse(data, 0) else {
        return;
    };
    let version = entries.version();
    let mut rest = entries.clone();
    while rest.next().is_some() {}
    if let Some(trailer) = Trailer::read(rest.rest()) {
        assert_eq!(Trailer::read(&trailer.write()), Some(trailer));
    }
    let items: Vec<_> = entries.collect();
    assert!(items.len() <= usize::from(u8::MAX));
    let is_malformed = |item: &_| matches!(item, Err(Fault::Malformed(_)));
    let end = items.iter().position(is_malformed);
    assert!(end.is_none_or(|end| end + 1 == items.len()), "the last one");
    let taken: Vec<_> = items.into_iter().filter_map(Result::ok).collect();
    for other in [Version::V0, Version::V1] {
        let mut room = vec![0xEE; data.len().max(4096)];
        let mut writer = Writer::new(&mut room, data.len().max(8), other, data[1]).unwrap();
        for entry in &taken {
            if let Err(error) = writer.push(entry) {
                assert!(version != other, "{error:?}");
            }
        }
        let again = writer.finish();
        let read: Vec<_> = parse(again, data[1].into())
            .unwrap()
            .map(Result::unwrap)
            .collect();
        if version == other {
            assert_eq!(read, taken, "all fit, and read the same");
        }
    }
}
