// SPDX-License-Identifier: GPL-2.0

//! How many buckets a hash table should have.
//!
//! Sizes are powers of two and given as exponents ("bits"). The load factor `f` of the sysctls
//! `conn_lfactor` and `svc_lfactor` is an exponent too: a table of `2^b` buckets is meant for up
//! to `2^(b + f)` objects. A table grows at once to the size that its objects need. It shrinks only
//! when the objects need a sixteenth of the table or less, and then to twice the size they need.

use core::ops::RangeInclusive;

/// The number of bits for `count` objects, before any bounds.
#[inline]
fn ideal(count: usize, factor: i32) -> i32 {
    let below = usize::BITS.saturating_sub(count.saturating_sub(1).leading_zeros());
    // CAST: at most 64.
    (below as i32).saturating_sub(factor)
}

fn within(bits: i32, bounds: &RangeInclusive<u32>) -> u32 {
    u32::try_from(bits)
        .unwrap_or(0)
        .min(*bounds.end())
        .max(*bounds.start())
}

/// The number of bits that a table of `bits` with `count` objects should have, within `bounds`.
pub fn wanted(count: usize, factor: i32, bits: u32, bounds: &RangeInclusive<u32>) -> u32 {
    let ideal = ideal(count, factor);
    // CAST: the number of bits is far below the limit.
    let now = bits as i32;
    if ideal > now {
        within(ideal, bounds)
    } else if ideal > now.saturating_sub(4) {
        bits
    } else {
        within(ideal.saturating_add(1), bounds)
    }
}

/// The number of bits that a table with `count` objects should have after a change of its load
/// factor. The present size does not matter.
pub fn wanted_exactly(count: usize, factor: i32, bounds: &RangeInclusive<u32>) -> u32 {
    within(ideal(count, factor), bounds)
}

/// The numbers of objects between which a table keeps its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watermarks {
    /// With more objects than this, the table should grow.
    pub grow_above: usize,
    /// With less objects than this, the table should shrink.
    pub shrink_below: usize,
}

/// The watermarks of a table of `bits`, at which the result of [`wanted`] changes.
///
/// The C module has the same watermarks, except that it checks every two seconds whether a connection
/// table of the greatest size could shrink.
pub fn watermarks(bits: u32, factor: i32, bounds: &RangeInclusive<u32>) -> Watermarks {
    // CAST: the number of bits is far below the limit.
    let meant = (bits as i32).saturating_add(factor);
    let power = |exponent: i32| match u32::try_from(exponent) {
        Ok(exponent) => 1usize.checked_shl(exponent).unwrap_or(usize::MAX),
        Err(_) => 0,
    };
    Watermarks {
        grow_above: if bits >= *bounds.end() {
            usize::MAX
        } else {
            power(meant)
        },
        shrink_below: match power(meant.saturating_sub(4)) {
            0 => 0,
            _ if bits <= *bounds.start() => 0,
            most => most.saturating_add(1),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tables_grow_as_in_the_specification() {
        for (most, count, buckets) in [
            (12, 0, 256),
            (12, 16, 256),
            (12, 17, 512),
            (12, 33, 1024),
            (12, 65, 2048),
            (12, 129, 4096),
            (12, 1_000_000, 4096),
            (20, 257, 8192),
            (20, 1000, 16384),
            (20, 100_000, 1_048_576),
        ] {
            assert_eq!(1 << wanted(count, -4, 8, &(8..=most)), buckets, "{count}");
        }
    }

    #[test]
    fn tables_shrink_as_in_the_specification() {
        for (count, buckets) in [
            (65536, 1_048_576),
            (4097, 1_048_576),
            (4096, 131_072),
            (1000, 32768),
            (100, 4096),
            (10, 512),
            (0, 256),
        ] {
            assert_eq!(1 << wanted(count, -4, 20, &(8..=20)), buckets, "{count}");
        }
    }

    #[test]
    fn a_new_load_factor_sets_the_size_exactly() {
        for (factor, buckets) in [(-8, 262_144), (-4, 16384), (0, 1024), (2, 256), (8, 256)] {
            assert_eq!(
                1 << wanted_exactly(1000, factor, &(8..=20)),
                buckets,
                "{factor}"
            );
        }
    }

    #[test]
    fn thresholds_follow_the_load_factor() {
        for (bits, factor, grow_above, shrink_below) in [
            (8, -4, 16, 0),
            (9, -4, 32, 3),
            (12, -4, 256, 17),
            (20, -4, usize::MAX, 4097),
            (10, 0, 1024, 65),
            (10, 3, 8192, 513),
            (8, -8, 1, 0),
            (9, -8, 2, 0),
        ] {
            let expected = Watermarks {
                grow_above,
                shrink_below,
            };
            assert_eq!(watermarks(bits, factor, &(8..=20)), expected);
        }
    }

    proptest! {
        #[test]
        fn thresholds_are_where_another_size_is_wanted(
            bits in 8u32..=20, factor in -8i32..=8, count in 1usize..3_000_000,
        ) {
            let bounds = 8..=20;
            let watermarks = watermarks(bits, factor, &bounds);
            let wanted = wanted(count, factor, bits, &bounds);
            prop_assert_eq!(wanted > bits, count > watermarks.grow_above);
            prop_assert_eq!(wanted < bits, count < watermarks.shrink_below);
        }

        #[test]
        fn a_resized_table_keeps_its_size(
            bits in 8u32..=20, factor in -8i32..=8, count in 0usize..3_000_000,
        ) {
            let bounds = 8..=20;
            let new = wanted(count, factor, bits, &bounds);
            prop_assert_eq!(wanted(count, factor, new, &bounds), new);
        }

        #[test]
        fn no_numbers_break_it(count in any::<usize>(), factor in any::<i32>(), bits in any::<u32>()) {
            for bounds in [4..=20, 8..=27] {
                wanted(count, factor, bits, &bounds);
                wanted_exactly(count, factor, &bounds);
                watermarks(bits, factor, &bounds);
            }
        }
    }
}
