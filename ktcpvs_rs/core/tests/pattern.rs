// SPDX-License-Identifier: GPL-2.0

//! Patterns: what they match, what is refused, and that the automaton says what the crate `regex` says.

use ktcpvs_core::pattern::{
    compile, Classes, Error, Group, Matcher, Op, Part, Set, Sizes, Space, State, Threads, Used,
    BYTES_MAX, STATES_MAX,
};
use proptest::{collection::vec, prelude::*};
use regex::bytes::{Regex, RegexBuilder};

/// Patterns that were compiled.
struct Compiled {
    ops: Vec<Op>,
    sets: Vec<Set>,
    starts: Vec<u16>,
    classes: Classes,
    table: Vec<u16>,
    results: Vec<u16>,
    used: Used,
}

impl Compiled {
    fn new<P: AsRef<[u8]>>(patterns: &[P]) -> Result<Self, Error> {
        let mut sizes = Sizes::START;
        loop {
            match Self::with(patterns, &sizes) {
                Err(Error::NeedMore(part)) => sizes.grow(part),
                result => return result,
            }
        }
    }

    fn with<P: AsRef<[u8]>>(patterns: &[P], sizes: &Sizes) -> Result<Self, Error> {
        let mut it = Self {
            ops: vec![Op::default(); sizes.ops],
            sets: vec![Set::default(); sizes.sets],
            starts: vec![0; sizes.starts],
            classes: Classes::default(),
            table: vec![0; sizes.table],
            results: vec![0; sizes.states],
            used: Used::default(),
        };
        let mut space = Space {
            ops: &mut it.ops,
            sets: &mut it.sets,
            starts: &mut it.starts,
            classes: &mut it.classes,
            table: &mut it.table,
            results: &mut it.results,
            stack: &mut vec![0; sizes.ops],
            states: &mut vec![State::default(); sizes.states],
            members: &mut vec![0; sizes.members],
            index: &mut vec![0; sizes.states * 2],
        };
        it.used = compile(patterns.iter().map(AsRef::as_ref), &mut space, || {})?;
        Ok(it)
    }

    fn matcher(&self) -> Matcher<'_> {
        Matcher::new(&self.classes, &self.table, &self.results, &self.used)
    }

    fn first(&self, text: &[u8]) -> Option<usize> {
        self.matcher().first_match(text)
    }

    fn group(&self, pattern: usize, number: u8, text: &[u8]) -> Option<std::ops::Range<usize>> {
        let parts = (&*self.ops, &*self.sets, &*self.starts);
        Group::new(parts, &self.used, pattern, number)?.find(text, &mut Threads::new())
    }
}

#[test]
fn a_pattern_matches_what_posix_says() {
    for (pattern, matching, others) in [
        (
            "/images/",
            &["/images/", "/x/images/y"][..],
            &["/image/", ""][..],
        ),
        ("^/a", &["/a", "/ab"], &["x/a", ""]),
        ("a$", &["a", "ba"], &["ab", ""]),
        ("^$", &[""], &["a"]),
        ("$^", &[""], &["a"]),
        ("^", &["", "a"], &[]),
        ("a.c", &["abc", "a\nc", "a/c"], &["ac", "a"]),
        ("ab*c", &["ac", "abbbc"], &["abb", "adc"]),
        ("ab+c", &["abc", "abbc"], &["ac"]),
        ("ab?c", &["ac", "abc"], &["abbc"]),
        ("^a{3}$", &["aaa"], &["aa", "aaaa"]),
        ("^a{2,}$", &["aa", "aaaaa"], &["a"]),
        ("^a{1,3}$", &["a", "aaa"], &["", "aaaa"]),
        ("^a{0,2}b$", &["b", "ab", "aab"], &["aaab"]),
        ("^a{0}b$", &["b"], &["ab"]),
        ("^(ab|cd){2}$", &["abcd", "cdab"], &["ab", "abc"]),
        ("^(a|b|c|)d$", &["ad", "bd", "cd", "d"], &["dd"]),
        ("^(a(b(c)?)?)*$", &["", "a", "aababc"], &["b", "ac"]),
        ("()", &["", "a"], &[]),
        ("^()*a$", &["a"], &["b"]),
        ("a**b", &["b", "aab"], &["a"]),
        ("[abc]d", &["ad", "cd"], &["dd", "d"]),
        ("^[^abc]$", &["d", "/"], &["a", ""]),
        ("^[]a]$", &["]", "a"], &["b"]),
        ("^[^]a]$", &["b"], &["]", "a"]),
        ("^[a-c-]$", &["b", "-"], &["d"]),
        ("^[a\\]$", &["a", "\\"], &["]"]),
        ("^[[:digit:]x]+$", &["12x"], &["a", ""]),
        ("^[[:alpha:][:space:]]$", &["a", "\t"], &["1"]),
        ("^[[:punct:]]$", &["/", "~"], &["a", " "]),
        (
            r"\.(jpg|png)(\?|$)",
            &["/a.jpg", "/a.png?x"],
            &["/a.jpgx", "/ajpg"],
        ),
        (r"\[\]\\\ ", &[r"[]\ "], &["[]"]),
        (")", &[")"], &["("]),
        ("a}", &["a}"], &["a"]),
        ("\u{fc}", &["\u{fc}"], &["u"]),
    ] {
        let compiled = Compiled::new(&[pattern]).unwrap();
        for text in matching {
            assert_eq!(compiled.first(text.as_bytes()), Some(0), "{pattern} {text}");
        }
        for text in others {
            assert_eq!(compiled.first(text.as_bytes()), None, "{pattern} {text}");
        }
    }
}

#[test]
fn the_first_of_several_patterns_counts() {
    let compiled = Compiled::new(&["^/images/", "jpg$", "/a", "^/.*", ".*"]).unwrap();
    for (text, first) in [
        ("/images/a.jpg", 0),
        ("/x/a.jpg", 1),
        ("/x/images/a", 2),
        ("/x", 3),
        ("x", 4),
        ("", 4),
    ] {
        assert_eq!(compiled.first(text.as_bytes()), Some(first), "{text}");
    }
    let none: &[&str] = &[];
    assert_eq!(Compiled::new(none).unwrap().first(b"/a"), None);
}

#[test]
fn what_is_malformed_is_refused_with_its_place() {
    for (pattern, at) in [
        ("", 0),
        ("*", 0),
        ("a|*", 2),
        ("(+)", 1),
        ("^*", 1),
        ("a$?", 2),
        ("{2}", 0),
        ("a{", 1),
        ("a{}", 1),
        ("a{,3}", 1),
        ("a{3,2}", 1),
        ("a{256}", 1),
        ("a{1,256}", 1),
        ("a{1", 1),
        ("a{1x}", 1),
        ("(a", 2),
        ("a((b)", 5),
        ("[a", 0),
        ("a[]", 1),
        ("a[^]", 1),
        ("[b-a]", 0),
        ("[a-[:digit:]]", 0),
        ("[[:odd:]]", 0),
        ("[[:alpha]", 0),
        ("[[.a.]]", 0),
        ("[[=a=]]", 0),
        (r"\1", 0),
        (r"a\n", 1),
        ("a\\", 1),
        ("a\0", 1),
        ("[\0]", 0),
    ] {
        let error = Error::Malformed { pattern: 1, at };
        assert_eq!(
            Compiled::new(&["ok", pattern]).err(),
            Some(error),
            "{pattern}"
        );
    }
    let deep = |depth| "(".repeat(depth) + &")".repeat(depth);
    assert!(Compiled::new(&[deep(32)]).is_ok());
    let error = Error::Malformed { pattern: 0, at: 32 };
    assert_eq!(Compiled::new(&[deep(33)]).err(), Some(error));
}

#[test]
fn what_is_too_large_is_refused() {
    let long = |len| "a".repeat(len);
    assert!(Compiled::new(&[long(255)]).is_ok());
    let too_long = Some(Error::TooLong { pattern: 0 });
    assert_eq!(Compiled::new(&[long(256)]).err(), too_long);
    let many = Some(Error::TooManyInstructions { pattern: 0 });
    assert_eq!(Compiled::new(&["(a{1,50}){1,50}"]).err(), many);
    let many = Some(Error::TooManyInstructions { pattern: 16 });
    assert_eq!(Compiled::new(&vec![long(255); 17]).err(), many);
    let complex = Compiled::new(&["(a|b)*a(a|b){14}"]).err();
    assert_eq!(complex, Some(Error::TooComplex { states: STATES_MAX }));
    let sets: String = (b'a'..=b'z').map(char::from).collect();
    match Compiled::new(&[format!("{sets}|(a|b)*a(a|b){{14}}")]).err() {
        Some(Error::TooComplex { states }) => assert!(states > 9_000 && states < STATES_MAX),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_automaton_of_ordinary_rules_is_small() {
    for (patterns, states, bytes) in [
        (&["/images/.*", "/html/.*", ".*"][..], 30, 1_500),
        (
            &[
                r"\.(jpg|jpeg|png|gif|webp|svg|css|js)(\?|$)",
                "^/api/v[0-9]+/",
                "^/(login|logout)$",
                ".*",
            ],
            80,
            5_000,
        ),
    ] {
        let compiled = Compiled::new(patterns).unwrap();
        assert!(compiled.used.states <= states, "{:?}", compiled.used);
        assert!(compiled.matcher().bytes() <= bytes, "{:?}", compiled.used);
    }
    let prefixes: Vec<_> = (0..340).map(|number| format!("^/app{number}/")).collect();
    let compiled = Compiled::new(&prefixes).unwrap();
    assert!(compiled.matcher().bytes() < BYTES_MAX);
    for number in 0..340 {
        let text = format!("/app{number}/x");
        assert_eq!(compiled.first(text.as_bytes()), Some(number));
    }
}

#[test]
fn every_part_of_the_memory_may_be_too_short() {
    const ENOUGH: Sizes = Sizes {
        ops: 64,
        sets: 2,
        starts: 2,
        states: 64,
        members: 4_096,
        table: 1_024,
    };
    let patterns = ["a[bc]*", "x{1,9}[yz]$"];
    assert!(Compiled::with(&patterns, &ENOUGH).is_ok());
    for (part, sizes) in [
        (Part::Ops, |size| Sizes {
            ops: size,
            ..ENOUGH
        }),
        (Part::Sets, |size| Sizes {
            sets: size,
            ..ENOUGH
        }),
        (Part::Starts, |size| Sizes {
            starts: size,
            ..ENOUGH
        }),
        (Part::States, |size| Sizes {
            states: size,
            ..ENOUGH
        }),
        (Part::Members, |size| Sizes {
            members: size,
            ..ENOUGH
        }),
        (Part::Table, |size| Sizes {
            table: size,
            ..ENOUGH
        }),
    ] as [(Part, fn(usize) -> Sizes); 6]
    {
        for size in [0, 1] {
            let found = Compiled::with(&patterns, &sizes(size)).err();
            assert_eq!(found, Some(Error::NeedMore(part)));
        }
    }
}

#[test]
fn groups_are_found() {
    let users = Compiled::new(&["^/x", "/users/([^/]+)/(.*)"]).unwrap();
    let text = b"/a/users/mary/b/c";
    assert_eq!(users.group(1, 0, text), Some(2..17));
    assert_eq!(users.group(1, 1, text), Some(9..13));
    assert_eq!(users.group(1, 2, text), Some(14..17));
    assert_eq!(users.group(1, 3, text), None);
    assert_eq!(users.group(0, 0, text), None);
    assert_eq!(users.group(2, 0, text), None);
    assert_eq!(users.group(1, 1, b"/users/"), None);
    let long = [b"/users/mary/".as_slice(), &[b'x'; 2_000]].concat();
    assert_eq!(users.group(1, 1, &long), Some(0..1_024));
    let large = Compiled::new(&["(a{100}){6}"]).unwrap();
    assert_eq!(large.group(0, 0, &[b'a'; 600]), None);
}

/// A pattern that both read alike: no repetition of a repetition, which would be lazy for `regex`.
fn pattern() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("a".to_owned()),
        Just("b".to_owned()),
        Just("/".to_owned()),
        Just(".".to_owned()),
        Just("[ab]".to_owned()),
        Just("[^a]".to_owned()),
        Just("[[:alpha:]]".to_owned()),
        Just("()".to_owned()),
    ];
    let inner = leaf.prop_recursive(5, 24, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(|parts| parts.concat()),
            vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join("|"))),
            (inner, "[*+?]|\\{[0-3]\\}|\\{[0-2],\\}|\\{[0-2],[2-4]\\}")
                .prop_map(|(part, times)| format!("({part}){times}")),
        ]
    });
    (any::<bool>(), inner, any::<bool>()).prop_map(|(begin, inner, end)| {
        let (begin, end) = (if begin { "^" } else { "" }, if end { "$" } else { "" });
        format!("{begin}{inner}{end}")
    })
}

fn oracle(pattern: &str) -> Regex {
    let mut builder = RegexBuilder::new(pattern);
    builder.unicode(false).dot_matches_new_line(true);
    builder.build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_automaton_says_what_the_oracle_says(
        patterns in vec(pattern(), 1..4),
        texts in vec("[ab/c]{0,9}", 8),
    ) {
        let Ok(compiled) = Compiled::new(&patterns) else {
            return Ok(());
        };
        let oracles: Vec<_> = patterns.iter().map(|pattern| oracle(pattern)).collect();
        for text in &texts {
            let expected = oracles.iter().position(|it| it.is_match(text.as_bytes()));
            prop_assert_eq!(compiled.first(text.as_bytes()), expected, "{:?} {}", patterns, text);
            for (index, oracle) in oracles.iter().enumerate() {
                // Where the match is may differ, if what is repeated may be empty.
                let matches = compiled.group(index, 0, text.as_bytes()).is_some();
                prop_assert_eq!(matches, oracle.is_match(text.as_bytes()), "{:?} {}", patterns, text);
            }
        }
    }

    #[test]
    fn groups_are_where_the_oracle_finds_them(
        parts in vec(("[ab]|\\[ab\\]|\\[\\^/\\]|\\.", "[*+?]?"), 1..5),
        text in "[ab/]{0,12}",
    ) {
        let groups: Vec<_> = parts.iter().map(|(part, times)| format!("({part}{times})")).collect();
        let pattern = groups.concat();
        let compiled = Compiled::new(&[&pattern]).unwrap();
        let captures = oracle(&pattern).captures(text.as_bytes()).map(|it| {
            (0..=parts.len()).map(|group| it.get(group).map(|it| it.range())).collect::<Vec<_>>()
        });
        for group in 0..=parts.len() {
            let expected = captures.as_ref().and_then(|it| it[group].clone());
            prop_assert_eq!(compiled.group(0, group as u8, text.as_bytes()), expected, "{} {}", pattern, text);
        }
    }

    #[test]
    fn any_bytes_are_a_pattern_or_refused(
        patterns in vec(vec(prop::sample::select(b"ab/^$*+?{}[]()|\\.,-1:9\x00\xff".as_slice()), 0..12), 1..3),
        text in vec(any::<u8>(), 0..12),
    ) {
        if let Ok(compiled) = Compiled::new(&patterns) {
            let first = compiled.first(&text);
            for index in 0..patterns.len() {
                // The search for groups is another algorithm: it must find a match of the first pattern, and of none before.
                let matches = compiled.group(index, 0, &text).is_some();
                match first {
                    Some(first) if index == first => prop_assert!(matches),
                    Some(first) if index > first => {}
                    _ => prop_assert!(!matches),
                }
            }
        }
    }
}
