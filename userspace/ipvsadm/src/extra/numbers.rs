// SPDX-License-Identifier: GPL-2.0

//! Numbers for people.

/// A number in at most six characters.
pub fn count(number: u64) -> String {
    match number {
        0..1_000_000 => number.to_string(),
        _ => scaled(number, &["", "k", "M", "G", "T", "P", "E"]),
    }
}

/// A number of bytes, in at most eight characters.
pub fn bytes(number: u64) -> String {
    match number {
        0..1_000 => format!("{number} B"),
        _ => scaled(number, &["", " kB", " MB", " GB", " TB", " PB", " EB"]),
    }
}

/// A number with one decimal in the largest unit of which there is one.
fn scaled(number: u64, units: &[&str]) -> String {
    let mut unit = 1_u64;
    let mut units = units.iter();
    let mut name = units.next();
    while let (Some(larger), Some(next)) = (unit.checked_mul(1_000), units.clone().next()) {
        if number < larger {
            break;
        }
        unit = larger;
        name = Some(next);
        units.next();
    }
    let whole = number.checked_div(unit).unwrap_or(0);
    let rest = number.checked_rem(unit).unwrap_or(0);
    let tenths = rest.checked_div(unit / 10).unwrap_or(0);
    format!("{whole}.{tenths}{}", name.unwrap_or(&""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_in_the_largest_unit() {
        for (number, as_count, as_bytes) in [
            (0, "0", "0 B"),
            (999, "999", "999 B"),
            (1_560, "1560", "1.5 kB"),
            (999_999, "999999", "999.9 kB"),
            (2_000_000, "2.0M", "2.0 MB"),
            (u64::MAX, "18.4E", "18.4 EB"),
        ] {
            assert_eq!(count(number), as_count);
            assert_eq!(bytes(number), as_bytes);
        }
    }
}
