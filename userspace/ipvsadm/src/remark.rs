// SPDX-License-Identifier: GPL-2.0

//! What stands in parentheses behind the sentences of 1.31: which word is wrong, and what would be right.

use std::fmt::Display;

use ipvs_netlink::{Errno, Request};

use crate::extra;
use crate::options::{Flag, Meaning, Verb, CHECKED, OPTIONS};

/// The schedulers of ipvs_rs, of which the C module has all but none.
pub const SCHEDULERS: [&str; 14] = [
    "dh", "fo", "lblc", "lblcr", "lc", "mh", "nq", "ovf", "rr", "sed", "sh", "twos", "wlc", "wrr",
];

/// A word that is none of some.
pub fn none_of<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let mut out = format!("`{word}' is none of {}", known.join(", "));
    if let Some(near) = nearest(word, known) {
        out.push_str(&format!("; did you mean `{near}'?"));
    }
    out
}

/// A word that is no number, or one that is too small or too large.
pub fn out_of_range(word: &str, min: impl Display, max: impl Display) -> String {
    format!("`{word}' is no number from {min} to {max}")
}

/// The known word that is most like this one, if one is like it: few letters are other ones, or it goes on with more.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let most = match word.chars().count() {
        0 | 1 => return None,
        2..=3 => 1,
        4..=7 => 2,
        _ => 3,
    };
    let rated = known.into_iter().filter_map(|one| {
        let begun = word.len() > 3 && one.starts_with(word);
        let far = if begun { 1 } else { distance(word, one) };
        (far <= most && far < one.len()).then_some((far, one))
    });
    rated.min_by_key(|(far, _)| *far).map(|(_, one)| one)
}

/// The letters that have to be put in, left out, replaced, or exchanged with the next one.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    let mut last = None;
    for (number, letter) in one.chars().enumerate() {
        let mut next = vec![number.saturating_add(1)];
        for (column, &to) in other.iter().enumerate() {
            let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX);
            let behind = column.saturating_add(1);
            let kept = at(&row, column).saturating_add(usize::from(letter != to));
            let inserted = at(&next, column).min(at(&row, behind)).saturating_add(1);
            let earlier = column.checked_sub(1);
            let exchanged = match (earlier, last) {
                (Some(earlier), Some(last))
                    if last == to && other.get(earlier) == Some(&letter) =>
                {
                    at(&before, earlier).saturating_add(1)
                }
                _ => usize::MAX,
            };
            next.push(kept.min(inserted).min(exchanged));
        }
        before = std::mem::replace(&mut row, next);
        last = Some(letter);
    }
    row.last().copied().unwrap_or(usize::MAX)
}

/// What may be meant by a word that is no option: with dashes, or a command.
pub fn option(word: &str) -> Option<String> {
    let (name, _) = word.split_once('=').unwrap_or((word, ""));
    if let Some(name) = name.strip_prefix("--") {
        let near = nearest(name, OPTIONS.iter().map(|option| option.long))?;
        return Some(format!("did you mean `--{near}'?"));
    }
    if name.starts_with('-') {
        return None;
    }
    let near = nearest(name, extra::NAMES)?;
    Some(format!("did you mean `{near}'?"))
}

/// The options that a group is named after in messages.
fn spelled(flag: Flag) -> Option<String> {
    let option = OPTIONS
        .iter()
        .find(|option| option.meaning == Meaning::Flag(flag))?;
    Some(match option.short {
        Some(letter) => format!("-{letter}"),
        None => format!("--{}", option.long),
    })
}

/// What to type for a group of options.
pub fn group(name: &str) -> Option<String> {
    let (_, flags) = CHECKED.iter().find(|(known, _)| *known == name)?;
    let flags: Vec<String> = flags.iter().filter_map(|flag| spelled(*flag)).collect();
    let (last, others) = flags.split_last()?;
    Some(match others {
        [] => format!("it is {last}"),
        _ => format!("it is {} or {last}", others.join(", ")),
    })
}

/// The commands that a flag goes with.
pub fn commands_of(flag: Flag) -> Option<String> {
    let verbs = OPTIONS
        .iter()
        .filter_map(|option| match (option.meaning, option.short) {
            (Meaning::Verb(verb), Some(letter)) if verb.allows(flag) => Some(format!("-{letter}")),
            (Meaning::Verb(verb), None) if verb.allows(flag) => Some(format!("--{}", option.long)),
            _ => None,
        });
    let verbs: Vec<String> = verbs.collect();
    (!verbs.is_empty()).then(|| {
        format!(
            "{} goes with {}",
            spelled(flag).unwrap_or_default(),
            verbs.join(", ")
        )
    })
}

/// What to say of a flag before any command.
pub fn before_command(word: &str) -> String {
    let verbs: Vec<String> = OPTIONS
        .iter()
        .filter(|option| matches!(option.meaning, Meaning::Verb(verb) if verb != Verb::Version))
        .filter_map(|option| option.short.map(|letter| format!("-{letter}")))
        .collect();
    format!("a command comes before `{word}': {}", verbs.join(", "))
}

/// What a request may have wrong if there is no such scheduler or engine.
pub fn request(request: &Request, errno: Option<Errno>) -> Option<String> {
    let (Request::AddService(_, settings) | Request::EditService(_, settings)) = request else {
        return None;
    };
    if errno != Some(Errno::ENOENT) {
        return None;
    }
    let name = settings.scheduler?;
    let name = crate::print::text(name.as_bytes());
    match SCHEDULERS.contains(&name.as_str()) {
        false => Some(format!("scheduler {}", none_of(&name, SCHEDULERS))),
        true => settings.pe.map(|pe| {
            let pe = crate::print::text(pe.as_bytes());
            format!("persistence engine {}", none_of(&pe, ["sip"]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_are_nearly_right_are_found() {
        for (word, expected) in [
            ("wcl", Some("wlc")),
            ("wrrr", Some("wrr")),
            ("lblcrr", Some("lblcr")),
            ("maglev", None),
            ("x", None),
            ("rr", Some("rr")),
        ] {
            assert_eq!(nearest(word, SCHEDULERS), expected, "{word}");
        }
        assert_eq!(
            option("--shceduler").as_deref(),
            Some("did you mean `--scheduler'?")
        );
        assert_eq!(
            option("--persist").as_deref(),
            Some("did you mean `--persistent'?")
        );
        assert_eq!(
            option("mointor").as_deref(),
            Some("did you mean `monitor'?")
        );
        assert_eq!(option("--frobnicate"), None);
        assert_eq!(option("-X"), None);
    }

    #[test]
    fn groups_are_spelled_as_they_are_typed() {
        let said = "it is -t, -u, --sctp-service or -f";
        assert_eq!(group("service-address").as_deref(), Some(said));
        assert_eq!(group("real-server").as_deref(), Some("it is -r"));
    }
}
