// SPDX-License-Identifier: GPL-2.0

//! When a server is overloaded: it has too many connections to get new ones.
//!
//! Between the two thresholds a server keeps its state, so that the state does not change with every
//! connection.

/// The numbers of connections between which a server keeps its state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Thresholds {
    /// The number of connections from which on a server is overloaded; 0 for no limit.
    pub upper: u32,
    /// The number of connections below which an overloaded server has recovered; 0 for three
    /// quarters of `upper`.
    pub lower: u32,
}

impl Thresholds {
    #[inline]
    const fn effective_lower(self) -> u32 {
        match self.lower {
            0 => self.upper.saturating_sub(self.upper >> 2),
            lower => lower,
        }
    }
}

/// Whether a server becomes overloaded by a new connection, with which it has `total` connections.
///
/// If not, the server keeps its state.
#[inline]
pub const fn after_bind(total: u32, thresholds: Thresholds) -> bool {
    thresholds.upper != 0 && total >= thresholds.upper
}

/// Whether an overloaded server stays overloaded after the end of a connection, when it has `total`
/// connections.
#[inline]
pub const fn after_unbind(total: u32, thresholds: Thresholds) -> bool {
    thresholds.upper != 0 && total >= thresholds.effective_lower()
}

/// Whether a server with `total` connections is overloaded under new thresholds. `was` says that it
/// was overloaded before.
#[inline]
pub const fn after_configuration(was: bool, total: u32, thresholds: Thresholds) -> bool {
    after_bind(total, thresholds) || was && after_unbind(total, thresholds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The numbers of connections at which a server becomes overloaded, and recovers.
    fn turns(upper: u32, lower: u32) -> (Option<u32>, Option<u32>) {
        let thresholds = Thresholds { upper, lower };
        let most = 50;
        let overloaded = (1..=most).find(|&total| after_bind(total, thresholds));
        let recovered = (0..most)
            .rev()
            .find(|&total| !after_unbind(total, thresholds));
        (overloaded, recovered)
    }

    #[test]
    fn a_server_is_overloaded_at_the_upper_and_recovers_below_the_lower_threshold() {
        for (upper, lower, expected) in [
            (0, 0, (None, Some(49))),
            (1, 0, (Some(1), Some(0))),
            (4, 0, (Some(4), Some(2))),
            (10, 0, (Some(10), Some(7))),
            (10, 5, (Some(10), Some(4))),
            (10, 10, (Some(10), Some(9))),
        ] {
            assert_eq!(turns(upper, lower), expected, "{upper} {lower}");
        }
    }

    #[test]
    fn new_thresholds_are_looked_at_at_once() {
        let (upper, lower) = (10, 5);
        for (was, total, is) in [
            (false, 9, false),
            (false, 10, true),
            (true, 9, true),
            (true, 5, true),
            (true, 4, false),
        ] {
            let thresholds = Thresholds { upper, lower };
            assert_eq!(after_configuration(was, total, thresholds), is);
        }
        assert!(!after_configuration(true, 1000, Thresholds::default()));
    }

    proptest! {
        #[test]
        fn a_server_that_was_just_overloaded_has_not_recovered(upper in 1u32.., lower in any::<u32>()) {
            let thresholds = Thresholds { upper, lower: lower % upper };
            prop_assert!(after_bind(upper, thresholds) && after_unbind(upper, thresholds));
            prop_assert!(!after_unbind(0, thresholds));
        }
    }
}
