// SPDX-License-Identifier: GPL-2.0

//! Statistics as users see them: counts since the last reset, and rates.
//!
//! The counters themselves only grow. Every [`PERIOD_SECONDS`] their sums are given to
//! [`Estimator::update`], which follows the rates with an exponentially weighted moving average:
//! each new measurement counts a quarter.

/// The time between two measurements.
pub const PERIOD_SECONDS: u32 = 2;

/// Sums of counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Connections.
    pub conns: u64,
    /// Packets from clients.
    pub in_packets: u64,
    /// Packets from servers.
    pub out_packets: u64,
    /// Bytes from clients.
    pub in_bytes: u64,
    /// Bytes from servers.
    pub out_bytes: u64,
}

impl Totals {
    /// How much each counter has grown since `earlier`.
    #[must_use]
    pub const fn since(&self, earlier: &Self) -> Self {
        Self {
            conns: self.conns.wrapping_sub(earlier.conns),
            in_packets: self.in_packets.wrapping_sub(earlier.in_packets),
            out_packets: self.out_packets.wrapping_sub(earlier.out_packets),
            in_bytes: self.in_bytes.wrapping_sub(earlier.in_bytes),
            out_bytes: self.out_bytes.wrapping_sub(earlier.out_bytes),
        }
    }

    /// The sums of both.
    #[must_use]
    pub const fn plus(&self, other: &Self) -> Self {
        Self {
            conns: self.conns.wrapping_add(other.conns),
            in_packets: self.in_packets.wrapping_add(other.in_packets),
            out_packets: self.out_packets.wrapping_add(other.out_packets),
            in_bytes: self.in_bytes.wrapping_add(other.in_bytes),
            out_bytes: self.out_bytes.wrapping_add(other.out_bytes),
        }
    }
}

/// How fast each counter grows, per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// Connections.
    pub conns: u64,
    /// Packets from clients.
    pub in_packets: u64,
    /// Packets from servers.
    pub out_packets: u64,
    /// Bytes from clients.
    pub in_bytes: u64,
    /// Bytes from servers.
    pub out_bytes: u64,
}

/// What a user is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Counts since the last reset.
    pub totals: Totals,
    /// What they grow by.
    pub rates: Rates,
}

/// A moving average, scaled up by 2 to the power of `SCALE`.
#[derive(Clone, Copy, Debug, Default)]
struct Rate<const SCALE: u32>(u64);

impl<const SCALE: u32> Rate<SCALE> {
    /// Follows a counter that has grown by `delta` in one period.
    ///
    /// CAST: between two's complement numbers, so that a falling rate is a negative step. The
    /// shift of a negative step rounds down, so that a rate without traffic reaches zero.
    fn tick(&mut self, delta: u64) {
        // Half the delta, for a period is two seconds.
        let measured = delta << SCALE.saturating_sub(1);
        let step = (measured.wrapping_sub(self.0) as i64) >> 2;
        self.0 = self.0.wrapping_add(step as u64);
    }

    /// The rate per second, rounded to the nearest, one half down.
    fn per_second(self) -> u64 {
        let below_half = (1u64 << SCALE.saturating_sub(1)).wrapping_sub(1);
        self.0.wrapping_add(below_half) >> SCALE
    }
}

/// Follows the rates of one object, from counters at zero.
#[derive(Clone, Copy, Debug, Default)]
pub struct Estimator {
    /// The counters at the last update.
    last: Totals,
    conns: Rate<10>,
    in_packets: Rate<10>,
    out_packets: Rate<10>,
    in_bytes: Rate<5>,
    out_bytes: Rate<5>,
}

impl Estimator {
    /// Takes a measurement, one period after the one before.
    pub fn update(&mut self, now: Totals) {
        let delta = now.since(&self.last);
        self.last = now;
        self.conns.tick(delta.conns);
        self.in_packets.tick(delta.in_packets);
        self.out_packets.tick(delta.out_packets);
        self.in_bytes.tick(delta.in_bytes);
        self.out_bytes.tick(delta.out_bytes);
    }

    /// Forgets the rates; the counters are at `now`.
    pub fn zero(&mut self, now: Totals) {
        *self = Self {
            last: now,
            ..Self::default()
        };
    }

    /// The rates as of the last update.
    pub fn rates(&self) -> Rates {
        Rates {
            conns: self.conns.per_second(),
            in_packets: self.in_packets.per_second(),
            out_packets: self.out_packets.per_second(),
            in_bytes: self.in_bytes.per_second(),
            out_bytes: self.out_bytes.per_second(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn totals(n: u64) -> Totals {
        Totals {
            conns: n,
            in_packets: n * 2,
            out_packets: n * 3,
            in_bytes: n * 100,
            out_bytes: n * 200,
        }
    }

    #[test]
    fn each_measurement_counts_a_quarter() {
        let mut estimator = Estimator::default();
        let mut shown = Vec::new();
        for period in 1..=4 {
            estimator.update(totals(period * 2000));
            let rates = estimator.rates();
            shown.push((rates.conns, rates.in_packets, rates.in_bytes));
        }
        // 1000, 2000 and 100,000 per second.
        assert_eq!(
            shown,
            [
                (250, 500, 25_000),
                (437, 875, 43_750),
                (578, 1156, 57_812),
                (684, 1367, 68_359),
            ]
        );
    }

    #[test]
    fn one_half_is_rounded_down_and_more_up() {
        for (scaled, shown) in [(0x200, 0), (0x201, 1), (0x600, 1), (0x601, 2)] {
            assert_eq!(Rate::<10>(scaled).per_second(), shown);
        }
        for (scaled, shown) in [(0x10, 0), (0x11, 1), (0x30, 1), (0x31, 2)] {
            assert_eq!(Rate::<5>(scaled).per_second(), shown);
        }
    }

    #[test]
    fn zeroing_hides_the_past() {
        let mut estimator = Estimator::default();
        estimator.update(totals(1000));
        estimator.zero(totals(1500));
        assert_eq!(estimator.rates(), Rates::default());
        estimator.update(totals(1500));
        assert_eq!(estimator.rates(), Rates::default());
    }

    #[test]
    fn rates_without_traffic_reach_zero() {
        let mut estimator = Estimator::default();
        for _ in 0..200 {
            estimator.update(totals(1_000_000_000));
        }
        assert_eq!((estimator.conns.0, estimator.out_bytes.0), (0, 0));
    }

    #[test]
    fn totals_are_added_and_subtracted() {
        assert_eq!(totals(7).since(&totals(5)), totals(2));
        assert_eq!(totals(7).plus(&totals(5)), totals(12));
    }

    proptest! {
        #[test]
        fn a_steady_rate_is_shown_after_a_while(per_second in 0u64..1_000_000_000) {
            let mut estimator = Estimator::default();
            for period in 1..100 {
                estimator.update(totals(period * 2 * per_second));
            }
            let rates = estimator.rates();
            prop_assert_eq!(rates.conns, per_second);
            prop_assert_eq!(rates.out_packets, per_second * 3);
            prop_assert_eq!(rates.in_bytes, per_second * 100);
        }

        #[test]
        fn no_counts_break_it(counts in proptest::collection::vec(any::<u64>(), 0..20)) {
            let mut estimator = Estimator::default();
            for n in counts {
                estimator.update(Totals { conns: n, in_bytes: n, ..Totals::default() });
                estimator.rates();
            }
        }
    }
}
