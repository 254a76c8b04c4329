// SPDX-License-Identifier: GPL-2.0

//! Statistics as users see them: counts since the last reset, and rates.
//!
//! The counters themselves only grow. Every [`PERIOD_SECONDS`] their sums are given to
//! [`Estimate::tick`]. A rate is an exponentially weighted moving average, in which each new
//! measurement has the weight of a quarter.

mod counters;

pub use counters::Counters;

/// The time between two measurements, in seconds.
pub const PERIOD_SECONDS: u32 = 2;

/// The statistics that a user is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Counts since the last reset.
    pub counters: Counters,
    /// Connections per second.
    pub cps: u64,
    /// Packets from clients per second.
    pub inpps: u64,
    /// Packets from servers per second.
    pub outpps: u64,
    /// Bytes from clients per second.
    pub inbps: u64,
    /// Bytes from servers per second.
    pub outbps: u64,
}

/// A moving average for each second, times 2 to the power of `SCALE`.
#[derive(Clone, Copy, Debug, Default)]
struct Rate<const SCALE: u32>(u64);

impl<const SCALE: u32> Rate<SCALE> {
    /// Takes a measurement: the counter has grown by `delta` in one period.
    ///
    /// CAST: between two's complement numbers, so that a falling rate is a negative step. The
    /// shift of a negative step rounds down, so that a rate without traffic reaches zero.
    fn tick(&mut self, delta: u64) {
        // Half the delta, for a period is two seconds.
        let measured = delta << SCALE.saturating_sub(1);
        let step = (measured.wrapping_sub(self.0) as i64) >> 2;
        self.0 = self.0.wrapping_add(step as u64);
    }

    /// Whether the rate is zero, and stays zero without traffic.
    const fn is_at_rest(self) -> bool {
        self.0 == 0
    }

    /// The rate per second, rounded to the nearest, one half down.
    fn per_second(self) -> u64 {
        let below_half = (1u64 << SCALE.saturating_sub(1)).wrapping_sub(1);
        self.0.wrapping_add(below_half) >> SCALE
    }
}

/// The estimator of one service, server or network namespace.
#[derive(Clone, Copy, Debug)]
pub struct Estimate {
    /// The counters at the last tick.
    last: Counters,
    /// The counters at the last reset.
    zero: Counters,
    cps: Rate<10>,
    inpps: Rate<10>,
    outpps: Rate<10>,
    inbps: Rate<5>,
    outbps: Rate<5>,
}

impl Estimate {
    /// An estimator of an object whose counters are zero.
    pub const fn new() -> Self {
        Self::since(Counters {
            conns: 0,
            inpkts: 0,
            outpkts: 0,
            inbytes: 0,
            outbytes: 0,
        })
    }

    const fn since(now: Counters) -> Self {
        Self {
            last: now,
            zero: now,
            cps: Rate(0),
            inpps: Rate(0),
            outpps: Rate(0),
            inbps: Rate(0),
            outbps: Rate(0),
        }
    }

    /// Takes a measurement, one period after the last one. `now` are the counters.
    pub fn tick(&mut self, now: Counters) {
        let delta = now.since(&self.last);
        self.last = now;
        self.cps.tick(delta.conns);
        self.inpps.tick(delta.inpkts);
        self.outpps.tick(delta.outpkts);
        self.inbps.tick(delta.inbytes);
        self.outbps.tick(delta.outbytes);
    }

    /// Whether a tick without traffic would change nothing.
    pub const fn is_at_rest(&self) -> bool {
        self.cps.is_at_rest()
            && self.inpps.is_at_rest()
            && self.outpps.is_at_rest()
            && self.inbps.is_at_rest()
            && self.outbps.is_at_rest()
    }

    /// Sets counts and rates to zero. `now` are the counters.
    pub fn reset(&mut self, now: Counters) {
        *self = Self::since(now);
    }

    /// The statistics for users: counts of `now`, and rates as of the last tick.
    pub fn stats(&self, now: Counters) -> Stats {
        Stats {
            counters: now.since(&self.zero),
            cps: self.cps.per_second(),
            inpps: self.inpps.per_second(),
            outpps: self.outpps.per_second(),
            inbps: self.inbps.per_second(),
            outbps: self.outbps.per_second(),
        }
    }
}

impl Default for Estimate {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn counters(n: u64) -> Counters {
        Counters {
            conns: n,
            inpkts: n * 2,
            outpkts: n * 3,
            inbytes: n * 100,
            outbytes: n * 200,
        }
    }

    #[test]
    fn each_measurement_counts_a_quarter() {
        let mut estimate = Estimate::new();
        let mut shown = Vec::new();
        for period in 1..=4 {
            estimate.tick(counters(period * 2000));
            let stats = estimate.stats(counters(0));
            shown.push((stats.cps, stats.inpps, stats.inbps));
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
    fn a_reset_hides_the_past() {
        let mut estimate = Estimate::new();
        estimate.tick(counters(1000));
        estimate.reset(counters(1500));
        assert_eq!(estimate.stats(counters(1500)), Stats::default());
        estimate.tick(counters(1500));
        assert_eq!(estimate.stats(counters(1500)), Stats::default());
        assert_eq!(estimate.stats(counters(1510)).counters, counters(10));
    }

    #[test]
    fn rates_without_traffic_reach_zero() {
        let mut estimate = Estimate::new();
        for _ in 0..200 {
            estimate.tick(counters(1_000_000_000));
        }
        assert_eq!((estimate.cps.0, estimate.outbps.0), (0, 0));
        assert!(estimate.is_at_rest());
        estimate.tick(Counters {
            outbytes: 1,
            ..counters(1_000_000_000)
        });
        assert!(!estimate.is_at_rest());
    }

    #[test]
    fn counters_are_added_and_subtracted() {
        assert_eq!(counters(7).since(&counters(5)), counters(2));
        assert_eq!(counters(7).plus(&counters(5)), counters(12));
    }

    proptest! {
        #[test]
        fn a_steady_rate_is_shown_after_a_while(per_second in 0u64..1_000_000_000) {
            let mut estimate = Estimate::new();
            for period in 1..100 {
                estimate.tick(counters(period * 2 * per_second));
            }
            let stats = estimate.stats(counters(0));
            prop_assert_eq!(stats.cps, per_second);
            prop_assert_eq!(stats.outpps, per_second * 3);
            prop_assert_eq!(stats.inbps, per_second * 100);
        }

        #[test]
        fn no_counts_break_it(counts in proptest::collection::vec(any::<u64>(), 0..20)) {
            let mut estimate = Estimate::new();
            for n in counts {
                estimate.tick(Counters { conns: n, inbytes: n, ..Counters::default() });
                estimate.stats(counters(0));
            }
        }
    }
}
