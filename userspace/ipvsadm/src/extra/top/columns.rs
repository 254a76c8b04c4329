// SPDX-License-Identifier: GPL-2.0

//! Which columns fit into a line, and how numbers are shown in them.

use ratatui::style::Style;

/// The columns after the name: what is above them, their width, and which are given up first where
/// the names need room.
const COLUMNS: [(&str, usize, u8); 7] = [
    ("METHOD", 6, 0),
    ("WEIGHT", 6, 1),
    ("ACTIVE", 6, 3),
    ("INACT", 6, 2),
    ("CONN/S", 6, 6),
    ("IN/S", 8, 5),
    ("OUT/S", 8, 4),
];
/// Columns with less than this are given up for names that do not fit; the others only for so short
/// a piece of the name.
const DISPENSABLE: u8 = 4;
const SHORT_NAME: usize = 20;
const NAME: &str = "SERVICE -> SERVER";

/// A service or a server.
pub(super) struct Row {
    /// Its name.
    pub(super) name: String,
    /// What is in the columns.
    pub(super) cells: [String; 7],
    /// How it is shown.
    pub(super) style: Style,
}

/// The columns of a screen.
pub(super) struct Columns {
    name: usize,
    shown: [bool; 7],
}

impl Columns {
    /// Those that fit into so many characters with such names.
    pub(super) fn fitting(width: usize, name_width: usize) -> Self {
        let wanted = name_width.max(NAME.len());
        let mut shown = [true; 7];
        let room = |shown: &[bool; 7]| {
            let columns = COLUMNS.iter().zip(shown).filter(|(_, shown)| **shown);
            let used: usize = columns
                .map(|((_, width, _), _)| width.saturating_add(1))
                .sum();
            width.saturating_sub(used)
        };
        for worth in 0..6 {
            let enough = match worth {
                0..DISPENSABLE => wanted,
                _ => wanted.min(SHORT_NAME),
            };
            if room(&shown) >= enough {
                break;
            }
            for ((.., found), shown) in COLUMNS.iter().zip(&mut shown) {
                *shown &= *found != worth;
            }
        }
        Self {
            name: room(&shown).min(wanted),
            shown,
        }
    }

    /// The line with the names of the columns.
    pub(super) fn header(&self) -> String {
        self.put(NAME, COLUMNS.iter().map(|(title, ..)| *title))
    }

    /// The line of a service or a server.
    pub(super) fn line(&self, row: &Row) -> String {
        self.put(&row.name, row.cells.iter().map(String::as_str))
    }

    fn put<'a>(&self, name: &str, cells: impl Iterator<Item = &'a str>) -> String {
        let mut out = format!("{:<1$}", shortened(name, self.name), self.name);
        for ((cell, (title, width, _)), _) in cells
            .zip(COLUMNS)
            .zip(self.shown)
            .filter(|(_, shown)| *shown)
        {
            out.push_str(&match title {
                "METHOD" => format!(" {:<width$}", shortened(cell, width)),
                _ => format!(" {cell:>width$}"),
            });
        }
        out
    }
}

/// A text as long as there is room for, without what is in its middle: the end tells one server
/// from the next.
fn shortened(text: &str, width: usize) -> String {
    let chars: Vec<char> = text.chars().collect();
    if chars.len() <= width {
        return text.to_owned();
    }
    let Some(left) = width.checked_sub(1) else {
        return String::new();
    };
    let tail = left.div_ceil(2);
    let head = chars.iter().take(left.saturating_sub(tail));
    let tail = chars.iter().skip(chars.len().saturating_sub(tail));
    head.chain(std::iter::once(&'…')).chain(tail).collect()
}

/// A number in at most six characters.
pub(super) fn count(number: u64) -> String {
    match number {
        0..1_000_000 => number.to_string(),
        _ => scaled(number, &["", "k", "M", "G", "T", "P", "E"]),
    }
}

/// A number of bytes, in at most eight characters.
pub(super) fn bytes(number: u64) -> String {
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

    #[test]
    fn a_long_name_keeps_its_end() {
        assert_eq!(shortened("[2001:db8::1]:80", 9), "[200…]:80");
        assert_eq!(shortened("abc", 3), "abc");
        assert_eq!(shortened("abc", 1), "…");
        assert_eq!(shortened("abc", 0), "");
    }

    #[test]
    fn lines_are_no_longer_than_the_screen() {
        for width in 16..250 {
            for name_width in [0, 17, 26, 52, 90] {
                let columns = Columns::fitting(width, name_width);
                let header = columns.header();
                assert!(header.chars().count() <= width, "{width}: {header}");
                assert!(header.contains("CONN/S"));
            }
        }
        assert!(Columns::fitting(80, 26).header().contains("METHOD"));
        let wide = Columns::fitting(80, 52).header();
        assert!(wide.contains("OUT/S") && !wide.contains("METHOD"));
    }
}
