// SPDX-License-Identifier: GPL-2.0

//! In which order the rules of a service are tried, and who answers if one matches.
//!
//! A rule is a pattern and a server. Rules with the same pattern are one choice among their servers. Patterns are tried in the order
//! in which they were added, but those that match everything come last.

use crate::balance::{self, Server};

/// Whether a pattern matches every target, so that it is tried behind all others.
pub fn is_catch_all(pattern: &[u8]) -> bool {
    matches!(pattern, b".*" | b"^/.*")
}

/// Puts the places of the rules into the order in which they are tried: rules with the same pattern side by side, in the order in
/// which they were added, and catch-alls last.
///
/// `pattern_of` gives the pattern of the rule at a place. `order` gets the places of the rules from 0 on, as many as it is long.
pub fn arrange<'p>(pattern_of: impl Fn(u16) -> &'p [u8], order: &mut [u16]) {
    for (place, slot) in (0..=u16::MAX).zip(order.iter_mut()) {
        *slot = place;
    }
    let mut rest = order;
    while let Some(next) = first(rest, &pattern_of) {
        let pattern = pattern_of(next);
        // Moves the rules of this pattern to the front; the others stay in order.
        let mut len = 0_usize;
        let mut at = 0_usize;
        while let Some(place) = rest.get(at).copied() {
            if pattern_of(place) == pattern {
                let mut carried = place;
                for slot in rest.get_mut(len..=at).unwrap_or_default() {
                    core::mem::swap(slot, &mut carried);
                }
                len = len.saturating_add(1);
            }
            at = at.saturating_add(1);
        }
        rest = core::mem::take(&mut rest)
            .get_mut(len.max(1)..)
            .unwrap_or_default();
    }
}

/// The rule that is tried first: the first one that is no catch-all, if there is one.
fn first<'p>(places: &[u16], pattern_of: &impl Fn(u16) -> &'p [u8]) -> Option<u16> {
    let specific = places
        .iter()
        .find(|place| !is_catch_all(pattern_of(**place)));
    specific.or(places.first()).copied()
}

/// Chooses among the servers of the rule that has matched; [`None`] if no rule has, or none of its servers may get the request.
///
/// See [`balance::choose`].
pub fn choose<S: Server>(
    candidates: Option<&[u16]>,
    servers: &[S],
    turn: usize,
    is_tried: impl Fn(u16) -> bool,
) -> Option<u16> {
    balance::choose(servers, candidates?, turn, is_tried)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};

    fn arranged(patterns: &[&str]) -> Vec<u16> {
        let mut order = vec![0; patterns.len()];
        arrange(|at| patterns[usize::from(at)].as_bytes(), &mut order);
        order
    }

    #[test]
    fn rules_are_tried_in_their_order_and_catch_alls_last() {
        for (patterns, order) in [
            (&[][..], &[][..]),
            (&["a", "b"], &[0, 1]),
            (&[".*", "a"], &[1, 0]),
            (&["a", "b", "a", "c", "b"], &[0, 2, 1, 4, 3]),
            (&["^/.*", "a", ".*", "^/.*", "a"], &[1, 4, 0, 3, 2]),
            (&["^/.*x", ".*"], &[0, 1]),
        ] {
            assert_eq!(arranged(patterns), order, "{patterns:?}");
        }
    }

    proptest! {
        #[test]
        fn an_order_has_each_rule_once_and_patterns_side_by_side(
            patterns in vec(prop::sample::select(["a", "b", "c", ".*", "^/.*"].as_slice()), 0..12),
        ) {
            let order = arranged(&patterns);
            let mut sorted = order.clone();
            sorted.sort_unstable();
            prop_assert_eq!(sorted, (0..patterns.len() as u16).collect::<Vec<_>>());
            // By first appearance, catch-alls behind the others.
            let rank = |at: &u16| {
                let pattern = patterns[usize::from(*at)];
                let first = patterns.iter().position(|it| *it == pattern);
                (is_catch_all(pattern.as_bytes()), first, *at)
            };
            prop_assert!(order.is_sorted_by_key(rank));
        }
    }
}
