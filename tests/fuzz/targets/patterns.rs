// SPDX-License-Identifier: GPL-2.0

//! Lines of bytes, of which the last one is a text and those before are patterns: the automaton finds the pattern that a search for
//! one after the other, which is another algorithm, finds.

#![no_main]

use ktcpvs_core::pattern::{
    compile, Classes, Error, Group, Matcher, Op, Set, Sizes, Space, State, Threads, Used,
};
use libfuzzer_sys::fuzz_target;

/// Beyond this number of states the work would take too long.
const STATES: usize = 1 << 10;

fuzz_target!(|data: &[u8]| {
    let mut patterns: Vec<&[u8]> = data.split(|byte| *byte == b'\n').collect();
    let text = patterns.pop().unwrap_or_default();
    let mut sizes = Sizes::START;
    while sizes.states <= STATES {
        match run(&patterns, text, &sizes) {
            Err(Error::NeedMore(part)) => sizes.grow(part),
            _ => return,
        }
    }
});

fn run(patterns: &[&[u8]], text: &[u8], sizes: &Sizes) -> Result<(), Error> {
    let mut ops = vec![Op::default(); sizes.ops];
    let mut sets = vec![Set::default(); sizes.sets];
    let mut starts = vec![0; sizes.starts];
    let mut classes = Classes::default();
    let (mut table, mut results) = (vec![0; sizes.table], vec![0; sizes.states]);
    let mut space = Space {
        ops: &mut ops,
        sets: &mut sets,
        starts: &mut starts,
        classes: &mut classes,
        table: &mut table,
        results: &mut results,
        stack: &mut vec![0; sizes.ops],
        states: &mut vec![State::default(); sizes.states],
        members: &mut vec![0; sizes.members],
        index: &mut vec![0; sizes.states * 2],
    };
    let used: Used = compile(patterns.iter().copied(), &mut space, || {})?;
    assert!(used.states <= sizes.states && used.ops <= sizes.ops);
    let first = Matcher::new(&classes, &table, &results, &used).first_match(text);
    let mut threads = Box::new(Threads::new());
    for pattern in 0..patterns.len() {
        let Some(group) = Group::new((&ops, &sets, &starts), &used, pattern, 0) else {
            continue;
        };
        let found = group.find(text, &mut threads);
        assert!(found.as_ref().is_none_or(|at| at.end <= text.len()));
        match first {
            Some(first) if pattern > first => {}
            first if text.len() <= 1_024 => assert_eq!(found.is_some(), first == Some(pattern)),
            _ => {}
        }
    }
    Ok(())
}
