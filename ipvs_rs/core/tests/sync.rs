// SPDX-License-Identifier: GPL-2.0

//! Datagrams of synchronisation daemons.

use std::fmt::Write as _;
use std::path::Path;

use ipvs_core::addr::{Addr, Family};
use ipvs_core::conn::{ConnFlags, Method};
use ipvs_core::flow::Tuple;
use ipvs_core::sync::{
    parse, EngineData, Entry, Fault, Malformed, Refused, Saved, Sequence, SequenceShift, Skipped,
    Unwritten, Version, Writer, LEAST_ROOM,
};
use proptest::prelude::*;

/// The text that the recordings have about an entry, without what depends on its place.
fn describe(entry: &Entry<'_>, version: Version) -> String {
    let address = |addr: Addr, port| {
        let mut text = String::new();
        match entry.family {
            Family::V4 => write!(text, "{}", std::net::Ipv4Addr::from(addr.v4())).unwrap(),
            Family::V6 => write!(text, "{}", std::net::Ipv6Addr::from(addr.octets())).unwrap(),
        }
        format!("{text}:{port}")
    };
    let mut text = format!(
        "proto={} flags={:#x} state={} {} > {} > {}",
        entry.protocol,
        entry.flags.bits(),
        entry.state,
        address(entry.client, entry.client_port),
        address(entry.virtual_addr, entry.virtual_port),
        address(entry.server, entry.server_port),
    );
    if version == Version::V1 {
        write!(text, " fwmark={} timeout={}", entry.mark, entry.timeout).unwrap();
    }
    if let Some(Sequence { input, output }) = entry.sequence {
        let shift = |s: SequenceShift| {
            format!(
                "{} {} {}",
                s.initial, s.delta as i32, s.previous_delta as i32
            )
        };
        write!(text, " seq {} {}", shift(input), shift(output)).unwrap();
    }
    if let Some(EngineData { name, data }) = entry.engine {
        let (name, data) = (String::from_utf8_lossy(name), String::from_utf8_lossy(data));
        write!(text, " engine {name} {data}").unwrap();
    }
    text
}

/// The same text from the lines of a recording about an entry.
fn normalise(lines: &[&str]) -> String {
    let mut text = lines[0]
        .split_whitespace()
        .filter(|word| {
            !["entry", "off=", "type=", "ver=", "len="]
                .iter()
                .any(|prefix| word.starts_with(prefix))
        })
        .map(|word| word.split('(').next().unwrap())
        .collect::<Vec<_>>()
        .join(" ");
    let (mut name, mut data) = (None, None);
    for line in &lines[1..] {
        if let Some((_, rest)) = line.split_once("pe_name b'") {
            name = Some(rest.trim_end_matches('\''));
        } else if let Some((_, rest)) = line.split_once("pe_data b'") {
            data = Some(rest.trim_end_matches('\''));
        } else if let Some((_, rest)) = line.split_once("in(") {
            let numbers: String = rest
                .chars()
                .map(|c| match c {
                    '0'..='9' | '-' => c,
                    _ => ' ',
                })
                .collect();
            let numbers: Vec<_> = numbers.split_whitespace().collect();
            text += &format!(" seq {}", numbers.join(" "));
        }
    }
    if let (Some(name), Some(data)) = (name, data) {
        text += &format!(" engine {name} {data}");
    }
    text
}

fn bytes_of(hex: &str) -> Vec<u8> {
    let digits: Vec<_> = hex.trim().bytes().collect();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(pair).collect()
}

/// The same entries in another datagram.
fn written<'a>(datagram: &[u8], entries: &[Entry<'_>], room: &'a mut [u8]) -> &'a [u8] {
    let version = parse(datagram, 0).unwrap().version();
    let mut writer = Writer::new(room, datagram.len(), version, datagram[1]).unwrap();
    for entry in entries {
        writer.push(entry).unwrap();
    }
    writer.finish()
}

#[test]
fn datagrams_of_the_c_module_are_read_and_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sync");
    let (mut datagrams, mut entries) = (0, 0);
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        for recording in text.split("\nhex ").skip(1) {
            let mut lines = recording.lines();
            let datagram = bytes_of(lines.next().unwrap());
            let lines: Vec<_> = lines.take_while(|line| line.starts_with("  ")).collect();
            let read = parse(&datagram, u32::from(datagram[1])).unwrap();
            let version = read.version();
            let read: Vec<_> = read.map(|entry| entry.unwrap()).collect();
            let starts: Vec<_> = (0..lines.len())
                .filter(|&at| lines[at].trim_start().starts_with("entry"))
                .collect();
            let told: Vec<_> = starts
                .iter()
                .enumerate()
                .map(|(at, &start)| {
                    let end = starts.get(at + 1).copied().unwrap_or(lines.len());
                    normalise(&lines[start..end])
                })
                .collect();
            let described: Vec<_> = read.iter().map(|entry| describe(entry, version)).collect();
            assert_eq!(described, told, "{}", path.display());
            let mut room = [0xA5; 4096];
            assert_eq!(
                written(&datagram, &read, &mut room),
                datagram,
                "{}",
                path.display()
            );
            datagrams += 1;
            entries += read.len();
        }
    }
    assert!(datagrams > 300 && entries > 500, "{datagrams} {entries}");
}

const ENTRY: Entry<'_> = Entry {
    family: Family::V4,
    server_family: Family::V4,
    protocol: 6,
    flags: ConnFlags::INACTIVE,
    state: 1,
    client: Addr::from_v4([192, 0, 2, 2]),
    virtual_addr: Addr::from_v4([192, 0, 2, 100]),
    server: Addr::from_v4([10, 0, 0, 11]),
    client_port: 40000,
    virtual_port: 80,
    server_port: 8080,
    mark: 7,
    timeout: 900,
    sequence: None,
    engine: None,
    saved: Saved {
        rest: None,
        packets: None,
        controller: None,
        is_end: false,
    },
};

/// A datagram of version 1 with an entry, then one whose bytes `change` changes, then the first again.
fn changed(change: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
    let mut room = [0; 4096];
    let mut writer = Writer::new(&mut room, 4096, Version::V1, 1).unwrap();
    writer.push(&ENTRY).unwrap();
    let plain = writer.finish()[8..].to_vec();
    let mut odd = plain.clone();
    change(&mut odd);
    let mut datagram = vec![0, 1, 0, 0, 3, 1, 0, 0];
    datagram.extend(&plain);
    datagram.extend(&odd);
    datagram.resize(datagram.len().next_multiple_of(4), 0);
    datagram.extend(&plain);
    let length = u16::try_from(datagram.len()).unwrap().to_be_bytes();
    datagram[2..4].copy_from_slice(&length);
    datagram
}

/// Appends an option to an entry.
fn option(entry: &mut Vec<u8>, kind: u8, data: &[u8]) {
    entry.push(kind);
    entry.push(u8::try_from(data.len()).unwrap());
    entry.extend(data);
    let length = u16::try_from(entry.len()).unwrap().to_be_bytes();
    entry[2..4].copy_from_slice(&length);
}

fn faults(datagram: &[u8]) -> Vec<Option<Fault>> {
    parse(datagram, 0).unwrap().map(Result::err).collect()
}

#[test]
fn an_entry_that_cannot_be_a_connection_is_skipped_alone() {
    type Change = fn(&mut Vec<u8>);
    let changes: [(Change, Skipped); 12] = [
        (|e| option(e, 4, b"x"), Skipped::Option),
        (|e| option(e, 0x81, b"x"), Skipped::Option),
        (|e| e[6] = 0x20, Skipped::Flags),
        (|e| e[6] = 0x18, Skipped::Flags),
        (|e| e[1] = 1, Skipped::Protocol),
        (|e| e[1] = 0, Skipped::Protocol),
        (|e| e[9] = 11, Skipped::State),
        (|e| e[8] = 1, Skipped::State),
        (|e| (e[1], e[9]) = (17, 1), Skipped::State),
        (|e| (e[1], e[9]) = (132, 14), Skipped::State),
        (|e| (e[6], e[9]) = (0x10, 2), Skipped::State),
        (|e| option(e, 2, b"x"), Skipped::Engine),
    ];
    for (number, (change, skipped)) in changes.into_iter().enumerate() {
        let expected = [None, Some(Fault::Skipped(skipped)), None];
        assert_eq!(faults(&changed(change)), expected, "{number}");
    }
}

#[test]
fn a_malformed_entry_ends_the_datagram() {
    type Change = fn(&mut Vec<u8>);
    let sequence: Change = |e| option(e, 1, &[0; 24]);
    let changes: [(Change, Malformed); 14] = [
        (
            |e| e[2..4].copy_from_slice(&[0x0F, 0xFF]),
            Malformed::CutOff,
        ),
        (|e| e[2] = 0x10, Malformed::Version),
        (|e| e[0] = 2, Malformed::Type),
        (
            |e| e[2..4].copy_from_slice(&[0, 35]),
            Malformed::EntryLength,
        ),
        (|e| e[0] = 1, Malformed::EntryLength),
        (
            |e| {
                e.push(1);
                e[3] += 1
            },
            Malformed::OptionLength,
        ),
        (|e| option(e, 0x41, b""), Malformed::OptionLength),
        (
            |e| {
                option(e, 0x51, b"abc");
                e[37] = 4
            },
            Malformed::OptionLength,
        ),
        (|e| option(e, 1, &[0; 23]), Malformed::Sequence),
        (sequence, Malformed::Sequence),
        (
            |e| {
                option(e, 2, b"x");
                option(e, 0x42, b"x")
            },
            Malformed::EngineData,
        ),
        (|e| option(e, 3, &[65; 17]), Malformed::EngineName),
        (
            |e| {
                option(e, 3, b"x");
                option(e, 3, b"x")
            },
            Malformed::EngineName,
        ),
        (
            |e| {
                option(e, 1, &[0; 24]);
                option(e, 0x41, &[0; 24])
            },
            Malformed::Sequence,
        ),
    ];
    for (number, (change, malformed)) in changes.into_iter().enumerate() {
        let datagram = match number {
            9 => changed(|e| {
                sequence(e);
                sequence(e)
            }),
            _ => changed(change),
        };
        let expected = [None, Some(Fault::Malformed(malformed))];
        assert_eq!(faults(&datagram), expected, "{number}");
    }
}

/// A connection that a template controls, with all that a saved entry may have.
const SAVED: Entry<'_> = Entry {
    server_family: Family::V6,
    flags: ConnFlags::from_bits(2),
    server: Addr::from_v6([0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
    saved: Saved {
        rest: Some(777),
        packets: Some(0x0102_0304),
        controller: Some(Tuple {
            src: Addr::from_v4([192, 0, 2, 0]),
            dst: Addr::from_v4([192, 0, 2, 100]),
            sport: 0,
            dport: 80,
            protocol: 6,
            family: Family::V4,
        }),
        is_end: true,
    },
    ..ENTRY
};

/// The options of [`SAVED`].
#[rustfmt::skip]
const SAVED_OPTIONS: &[u8] = &[
    12, 16, 0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
    0x48, 4, 0, 0, 3, 9,
    0x4D, 4, 1, 2, 3, 4,
    0x4B, 1, 0,
    0x4A, 14, 6, 0, 0, 0, 0, 80, 192, 0, 2, 0, 192, 0, 2, 100,
];

#[test]
fn a_saved_entry_has_options_that_other_directors_skip() {
    let mut room = [0; LEAST_ROOM];
    let mut writer = Writer::new(&mut room, 1, Version::V1, 0).unwrap();
    writer.push(&SAVED).unwrap();
    let datagram = writer.finish();
    assert_eq!(&datagram[8 + 36..], SAVED_OPTIONS);
    assert_eq!(&datagram[8 + 32..8 + 36], [0; 4], "no server of IPv4");
    assert_eq!(parse(datagram, 0).unwrap().collect::<Vec<_>>(), [Ok(SAVED)]);
    let mut writer = Writer::new(&mut room, 1, Version::V0, 0).unwrap();
    assert_eq!(writer.push(&SAVED), Err(Unwritten::NotInVersion));
}

#[test]
fn a_saved_entry_that_is_cut_anywhere_is_malformed() {
    let mut room = [0; LEAST_ROOM];
    let mut writer = Writer::new(&mut room, 1, Version::V1, 0).unwrap();
    writer.push(&SAVED).unwrap();
    let whole = writer.finish().to_vec();
    for length in 8..whole.len() {
        // The header has the length that is left, so that the entry itself is looked at.
        let mut cut = whole[..length].to_vec();
        cut[2..4].copy_from_slice(&u16::try_from(length).unwrap().to_be_bytes());
        let expected = [Some(Fault::Malformed(Malformed::CutOff))];
        assert_eq!(faults(&cut), expected, "{length}");
        // The same with an entry that has the length that is left.
        let Some(inner) = length.checked_sub(8).filter(|inner| *inner > 36) else {
            continue;
        };
        cut[10..12].copy_from_slice(&u16::try_from(inner).unwrap().to_be_bytes());
        let is_whole = [18, 24, 30, 33].contains(&(inner - 36));
        let expected = match is_whole {
            true => None,
            false => Some(Fault::Malformed(Malformed::OptionLength)),
        };
        assert_eq!(faults(&cut), [expected], "{inner}");
    }
}

#[test]
fn options_of_a_saved_entry_have_their_lengths_and_are_there_once() {
    for (kind, lengths) in [(8, 4..5), (13, 4..5), (11, 1..2), (10, 14..15)] {
        for length in 1..40 {
            let datagram = changed(|e| option(e, kind, &vec![0; length]));
            let malformed = Some(Fault::Malformed(Malformed::Saved));
            let expected = match lengths.contains(&length) {
                true => vec![None, None, None],
                false => vec![None, malformed],
            };
            assert_eq!(faults(&datagram), expected, "{kind} {length}");
        }
        let twice = changed(|e| {
            option(e, kind, &vec![0; lengths.start]);
            option(e, kind | 0x40, &vec![0; lengths.start]);
        });
        let expected = [None, Some(Fault::Malformed(Malformed::Saved))];
        assert_eq!(faults(&twice), expected, "{kind}");
    }
}

#[test]
fn only_a_tunnel_leads_to_a_server_of_the_other_family() {
    for (flags, length, expected) in [
        (2, 16, None),
        (2, 4, None),
        (0, 4, None),
        (0, 16, Some(Fault::Skipped(Skipped::Flags))),
        (3, 16, Some(Fault::Skipped(Skipped::Flags))),
        (2, 5, Some(Fault::Malformed(Malformed::Saved))),
    ] {
        let datagram = changed(|e| {
            e[7] = flags;
            option(e, 12, &vec![1; length]);
        });
        assert_eq!(
            faults(&datagram).get(1),
            Some(&expected),
            "{flags} {length}"
        );
    }
}

#[test]
fn entries_with_optional_options_count() {
    for (kind, data) in [
        (0x51, &b"1234"[..]),
        (0x7F, b"x"),
        (0xC1, b"x"),
        (0x41, &[0; 24]),
    ] {
        let datagram = changed(|e| option(e, kind, data));
        let expected: [_; 3] = match kind {
            0xC1 => [None, None, None],
            _ => [None, None, None],
        };
        assert_eq!(faults(&datagram), expected, "{kind:#x}");
    }
}

#[test]
fn sequence_numbers_count_with_a_flag_that_asks_for_them() {
    let sequence = [1, 2, 3, 4, 5, 6].map(u32::to_be_bytes).concat();
    for (flag, expected) in [(0, false), (2, true), (4, true), (6, true)] {
        let datagram = changed(|e| {
            option(e, 1, &sequence);
            e[6] |= flag;
        });
        let entry = parse(&datagram, 0).unwrap().nth(1).unwrap().unwrap();
        assert_eq!(entry.sequence.is_some(), expected, "{flag}");
    }
}

#[test]
fn a_datagram_that_is_cut_or_for_others_is_refused() {
    let datagram = changed(|_| ());
    assert_eq!(parse(&datagram, 1).map(Iterator::count), Ok(3));
    assert_eq!(parse(&datagram, 2).err(), Some(Refused::SyncId));
    assert_eq!(parse(&datagram, 257).err(), Some(Refused::SyncId));
    for length in 0..datagram.len() {
        let expected = match length {
            0..4 => Refused::TooShort,
            _ => Refused::Length,
        };
        assert_eq!(
            parse(&datagram[..length], 0).err(),
            Some(expected),
            "{length}"
        );
    }
    for bytes in [&[0, 1, 0, 4][..], &[0, 1, 0, 7, 1, 1, 0]] {
        assert_eq!(parse(bytes, 0).unwrap().count(), 0);
    }
}

#[test]
fn version_0_is_cut_by_its_length() {
    let mut room = [0; 1024];
    let mut writer = Writer::new(&mut room, 1024, Version::V0, 9).unwrap();
    let entry = Entry {
        flags: ConnFlags::OUT_SEQ,
        sequence: Some(Sequence::default()),
        ..ENTRY
    };
    writer.push(&ENTRY).unwrap();
    writer.push(&entry).unwrap();
    let whole = writer.finish().to_vec();
    assert_eq!(whole.len(), 4 + 24 + 48);
    for length in 4..whole.len() {
        let mut datagram = whole[..length].to_vec();
        datagram[3] = u8::try_from(length).unwrap();
        let cut = Some(Fault::Malformed(Malformed::CutOff));
        let expected = match length {
            4..28 => vec![cut],
            _ => vec![None, cut],
        };
        assert_eq!(faults(&datagram), expected, "{length}");
    }
}

#[test]
fn a_datagram_is_filled_to_its_limit() {
    let v6 = Entry {
        family: Family::V6,
        server_family: Family::V6,
        ..ENTRY
    };
    for (version, limit, entry, expected) in [
        (Version::V1, 8 + 36 * 3, ENTRY, 3),
        (Version::V1, 8 + 36 * 3 - 1, ENTRY, 2),
        (Version::V1, 1, ENTRY, 1),
        (Version::V1, 1, v6, 1),
        (Version::V0, 4 + 24 * 5 + 23, ENTRY, 5),
        (Version::V1, 65000, ENTRY, 255),
    ] {
        let mut room = vec![0; limit.max(LEAST_ROOM)];
        let mut writer = Writer::new(&mut room, limit, version, 1).unwrap();
        let count = (0..300).take_while(|_| writer.push(&entry).is_ok()).count();
        assert_eq!(count, expected, "{version:?} {limit}");
        assert_eq!(writer.push(&entry), Err(Unwritten::Full));
        assert_eq!(parse(writer.finish(), 1).unwrap().count(), expected);
    }
    let mut room = [0; LEAST_ROOM];
    let mut writer = Writer::new(&mut room, 1000, Version::V0, 1).unwrap();
    assert_eq!(writer.push(&v6), Err(Unwritten::NotInVersion));
}

prop_compose! {
    fn entries()(
        (is_v6, is_mixed) in any::<(bool, bool)>(),
        (is_template, protocol) in (any::<bool>(), prop::sample::select(vec![6, 17, 132])),
        flags in any::<u32>(),
        state in 0u8..2,
        addresses in any::<[[u8; 16]; 3]>(),
        ports in any::<[u16; 3]>(),
        (mark, timeout) in any::<(u32, u32)>(),
        sequence in any::<[u8; 24]>(),
        engine in prop::option::of(("[a-z]{1,16}", prop::collection::vec(any::<u8>(), 1..256))),
        (rest, packets, is_end) in any::<(Option<u32>, Option<u32>, bool)>(),
        controller in any::<Option<(u8, [u16; 2])>>(),
    ) -> (Entry<'static>, Option<(String, Vec<u8>)>) {
        let family = if is_v6 { Family::V6 } else { Family::V4 };
        let flags = ConnFlags::from_bits(flags)
            .without(ConnFlags::ONE_PACKET)
            .without(ConnFlags::NO_CLIENT_PORT)
            .without(ConnFlags::TEMPLATE);
        let flags = if is_template { flags.with(ConnFlags::TEMPLATE) } else { flags };
        let addr = |family, octets: [u8; 16]| match family {
            Family::V6 => Addr::from_v6(octets),
            Family::V4 => Addr::from_v4(*octets.first_chunk().unwrap()),
        };
        let server_family = match (family, is_mixed && flags.method() == Method::Tunnel) {
            (family, false) => family,
            (Family::V4, true) => Family::V6,
            (Family::V6, true) => Family::V4,
        };
        let controller = controller.map(|(protocol, [sport, dport])| Tuple {
            src: addr(family, addresses[1]),
            dst: addr(family, addresses[2]),
            sport,
            dport,
            protocol,
            family,
        });
        let number = |at: usize| u32::from_le_bytes(sequence[at..at + 4].try_into().unwrap());
        let shift = |at| SequenceShift {
            initial: number(at),
            delta: number(at + 4),
            previous_delta: number(at + 8),
        };
        let entry = Entry {
            family,
            server_family,
            protocol,
            flags,
            state: if protocol == 17 && !is_template { 0 } else { state },
            client: addr(family, addresses[0]),
            virtual_addr: addr(family, addresses[1]),
            server: addr(server_family, addresses[2]),
            client_port: ports[0],
            virtual_port: ports[1],
            server_port: ports[2],
            mark,
            timeout,
            sequence: flags.has_sequence().then(|| Sequence { input: shift(0), output: shift(12) }),
            engine: None,
            saved: Saved { rest, packets, controller, is_end },
        };
        (entry, engine.filter(|_| is_template))
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(all in prop::collection::vec(entries(), 1..8)) {
        let all: Vec<_> = all
            .iter()
            .map(|(entry, engine)| Entry {
                engine: engine.as_ref().map(|(name, data)| EngineData { name: name.as_bytes(), data }),
                ..*entry
            })
            .collect();
        let mut room = [0; 8192];
        let mut writer = Writer::new(&mut room, 8192, Version::V1, 3).unwrap();
        for entry in &all {
            prop_assert_eq!(writer.push(entry), Ok(()));
        }
        let read: Result<Vec<_>, _> = parse(writer.finish(), 3).unwrap().collect();
        prop_assert_eq!(read, Ok(all));
    }

    #[test]
    fn any_bytes_are_read_to_their_end(mut bytes in prop::collection::vec(any::<u8>(), 4..600), is_v1 in any::<bool>()) {
        let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
        bytes[2..4].copy_from_slice(&length);
        if is_v1 && bytes.len() >= 8 {
            bytes[0] = 0;
            bytes[5..8].copy_from_slice(&[1, 0, 0]);
        }
        for entry in parse(&bytes, 0).unwrap().flatten() {
            let mut room = [0; LEAST_ROOM];
            let mut writer = Writer::new(&mut room, 1, Version::V1, 0).unwrap();
            prop_assert_eq!(writer.push(&entry), Ok(()));
        }
    }
}
