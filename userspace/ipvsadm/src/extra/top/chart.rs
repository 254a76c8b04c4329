// SPDX-License-Identifier: GPL-2.0

//! Numbers as characters: bars, and lines of the last looks.

/// Eighths of a block that stands, from nothing to all of it.
const HEIGHTS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Eighths of a block that lies.
const WIDTHS: [char; 9] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];

/// So many eighths of `most`; at least one of what is not nothing.
fn eighths(number: u64, most: u64, all: usize) -> usize {
    if number == 0 || most == 0 {
        return 0;
    }
    let all = u128::try_from(all).unwrap_or(0);
    let scaled = u128::from(number.min(most)).saturating_mul(all);
    let part = scaled.checked_div(u128::from(most)).unwrap_or(0);
    usize::try_from(part).unwrap_or(0).max(1)
}

/// A bar of `width` characters, all of which are filled by `most`.
pub(super) fn bar(number: u64, most: u64, width: usize) -> String {
    let all = width.saturating_mul(8);
    let mut left = eighths(number, most, all);
    (0..width)
        .map(|_| {
            let filled = left.min(8);
            left = left.saturating_sub(filled);
            WIDTHS.get(filled).copied().unwrap_or(' ')
        })
        .collect()
}

/// The last `width` numbers, of which the largest is as high as a character.
pub(super) fn sparkline(numbers: &[u64], width: usize) -> String {
    let shown = numbers
        .get(numbers.len().saturating_sub(width)..)
        .unwrap_or_default();
    let most = shown.iter().copied().max().unwrap_or(0);
    let columns = shown.iter().map(|number| eighths(*number, most, 8));
    columns
        .map(|height| HEIGHTS.get(height).copied().unwrap_or(' '))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_their_part() {
        assert_eq!(bar(0, 8, 4), "    ");
        assert_eq!(bar(8, 8, 4), "████");
        assert_eq!(bar(4, 8, 4), "██  ");
        assert_eq!(bar(1, 1_000_000, 4), "▏   ");
        assert_eq!(bar(u64::MAX, u64::MAX, 2), "██");
        assert_eq!(bar(5, 0, 2), "  ");
    }

    #[test]
    fn the_last_looks_are_a_line() {
        assert_eq!(sparkline(&[0, 1, 4, 8], 9), " ▁▄█");
        assert_eq!(sparkline(&[9, 1, 2], 2), "▄█");
        assert_eq!(sparkline(&[], 2), "");
    }
}
