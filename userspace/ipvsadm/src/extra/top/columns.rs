// SPDX-License-Identifier: GPL-2.0

//! Which columns fit into a line, and how numbers are shown in them.

use super::screen::Ink;

/// The columns after the name: what is above them, their width, and which are given up first where
/// the names need room.
const COLUMNS: [(&str, usize, u8); 8] = [
    ("METHOD", 6, 1),
    ("WEIGHT", 6, 2),
    ("ACTIVE", 6, 4),
    ("INACT", 6, 3),
    ("CONN/S", 6, 7),
    ("IN/S", 8, 6),
    ("OUT/S", 8, 5),
    ("CHART", 8, 0),
];
/// Columns with less than this are given up for names that do not fit; the others only for so short
/// a piece of the name.
const DISPENSABLE: u8 = 5;
const SHORT_NAME: usize = 20;
const NAME: &str = "SERVICE -> SERVER";

/// A service or a server.
pub(super) struct Row {
    /// Its name.
    pub(super) name: String,
    /// What is in the columns.
    pub(super) cells: [String; 8],
    /// How it is shown.
    pub(super) ink: Ink,
}

/// The columns of a screen.
pub(super) struct Columns {
    name: usize,
    shown: [bool; 8],
}

impl Columns {
    /// Those that fit into so many characters with such names.
    pub(super) fn fitting(width: usize, name_width: usize) -> Self {
        let wanted = name_width.max(NAME.len());
        let mut shown = [true; 8];
        let room = |shown: &[bool; 8]| {
            let columns = COLUMNS.iter().zip(shown).filter(|(_, shown)| **shown);
            let used: usize = columns
                .map(|((_, width, _), _)| width.saturating_add(1))
                .sum();
            width.saturating_sub(used)
        };
        for worth in 0..7 {
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
                "METHOD" | "CHART" => format!(" {:<width$}", shortened(cell, width)),
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

#[cfg(test)]
mod tests {
    use super::*;

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
