// SPDX-License-Identifier: GPL-2.0

//! What keys do: the part that is shown, its order, its filter.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// The order of services, and of the servers of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Sort {
    /// Bytes a second, the most first.
    #[default]
    Bytes,
    /// New connections a second, the most first.
    Connections,
    /// Active connections, the most first.
    Active,
    /// As in listings: by address and port.
    Name,
}

impl Sort {
    const ALL: [(char, Self, &'static str); 4] = [
        ('b', Self::Bytes, "bytes/s"),
        ('c', Self::Connections, "connections/s"),
        ('a', Self::Active, "active connections"),
        ('n', Self::Name, "name"),
    ];

    /// The order with this name, as an option gives it.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        match name {
            "bytes" => Some(Self::Bytes),
            "connections" => Some(Self::Connections),
            "active" => Some(Self::Active),
            "name" => Some(Self::Name),
            _ => None,
        }
    }

    fn of_key(key: char) -> Option<Self> {
        let found = Self::ALL.into_iter().find(|(letter, ..)| *letter == key);
        found.map(|(_, sort, _)| sort)
    }

    /// What it is by.
    pub(super) fn name(self) -> &'static str {
        let found = Self::ALL.into_iter().find(|(_, sort, _)| *sort == self);
        found.map_or("", |(.., name)| name)
    }
}

/// What a key leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The screen is drawn again.
    Draw,
    /// The end.
    Quit,
}

/// What is shown of the table.
#[derive(Debug, Default)]
pub(super) struct Shown {
    /// The first row.
    pub(super) first: usize,
    /// So many rows fit.
    pub(super) page: usize,
    /// The order.
    pub(super) sort: Sort,
    /// Only services of which a name has this in it.
    pub(super) filter: String,
    /// The filter is being typed.
    pub(super) is_typing: bool,
    /// No new looks are taken.
    pub(super) is_paused: bool,
    /// The keys are shown instead of the table.
    pub(super) is_help: bool,
}

/// What keys do, for the screen of help.
pub(super) const HELP: [&str; 10] = [
    "  q, Esc          quit (Esc gives up a filter first)",
    "  b               order by bytes a second (at the start)",
    "  c               order by new connections a second",
    "  a               order by active connections",
    "  n               order by name",
    "  /               only services that have a text in their name or that of a server; Enter ends it",
    "  p               pause: no new looks until it is pressed again",
    "  arrows, j, k    scroll by a line; PgUp, PgDn, space by a page; Home, End, g, G to the ends",
    "  h, ?            this",
    "Grey: weight 0. Red: as many connections as the upper threshold. CHART: active connections beside the busiest server of the service.",
];

impl Shown {
    /// Does what a key says, with so many rows in all.
    pub(super) fn press(&mut self, key: &KeyEvent, rows: usize) -> Next {
        if key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL) {
            return Next::Quit;
        }
        if self.is_typing {
            self.type_filter(key.code);
            return Next::Draw;
        }
        if self.is_help {
            self.is_help = false;
            return match key.code {
                KeyCode::Char('q') => Next::Quit,
                _ => Next::Draw,
            };
        }
        match key.code {
            KeyCode::Char('q') => return Next::Quit,
            KeyCode::Esc if self.filter.is_empty() => return Next::Quit,
            KeyCode::Esc => self.filter.clear(),
            KeyCode::Char('p') => self.is_paused = !self.is_paused,
            KeyCode::Char('h' | '?') => self.is_help = true,
            KeyCode::Char('/') => self.is_typing = true,
            KeyCode::Char(letter) => match Sort::of_key(letter) {
                Some(sort) => self.sort = sort,
                None => self.scroll(key.code, rows),
            },
            code => self.scroll(code, rows),
        }
        Next::Draw
    }

    fn type_filter(&mut self, code: KeyCode) {
        match code {
            KeyCode::Enter => self.is_typing = false,
            KeyCode::Esc => {
                self.filter.clear();
                self.is_typing = false;
            }
            KeyCode::Backspace => drop(self.filter.pop()),
            KeyCode::Char(letter) => self.filter.push(letter),
            _ => {}
        }
        self.first = 0;
    }

    fn scroll(&mut self, code: KeyCode, rows: usize) {
        let last = rows.saturating_sub(self.page);
        let page = self.page.saturating_sub(1).max(1);
        self.first = match code {
            KeyCode::Down | KeyCode::Char('j') => self.first.saturating_add(1),
            KeyCode::Up | KeyCode::Char('k') => self.first.saturating_sub(1),
            KeyCode::PageDown | KeyCode::Char(' ') => self.first.saturating_add(page),
            KeyCode::PageUp => self.first.saturating_sub(page),
            KeyCode::Home | KeyCode::Char('g') => 0,
            KeyCode::End | KeyCode::Char('G') => last,
            _ => self.first,
        }
        .min(last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is shown after these keys, and whether the last of them was the end.
    fn after(keys: &[KeyCode]) -> (Shown, Next) {
        let mut shown = Shown {
            page: 10,
            ..Shown::default()
        };
        let mut next = Next::Draw;
        for key in keys {
            next = shown.press(&KeyEvent::new(*key, KeyModifiers::NONE), 30);
        }
        (shown, next)
    }

    #[test]
    fn letters_choose_the_order_unless_a_filter_is_typed() {
        assert_eq!(after(&[KeyCode::Char('c')]).0.sort, Sort::Connections);
        let (shown, _) = after(&[KeyCode::Char('/'), KeyCode::Char('c'), KeyCode::Char('q')]);
        assert_eq!((shown.sort, shown.filter.as_str()), (Sort::Bytes, "cq"));
        let (shown, next) = after(&[
            KeyCode::Char('/'),
            KeyCode::Char('x'),
            KeyCode::Enter,
            KeyCode::Char('q'),
        ]);
        assert_eq!((shown.filter.as_str(), next), ("x", Next::Quit));
    }

    #[test]
    fn escape_gives_up_a_filter_before_it_ends() {
        let keys = [
            KeyCode::Char('/'),
            KeyCode::Char('x'),
            KeyCode::Enter,
            KeyCode::Esc,
            KeyCode::Esc,
        ];
        assert_eq!(after(&keys[..4]).1, Next::Draw);
        assert_eq!(after(&keys[..4]).0.filter, "");
        assert_eq!(after(&keys).1, Next::Quit);
    }

    #[test]
    fn the_last_row_is_the_last_line_that_one_comes_to() {
        let mut keys = Vec::new();
        for (code, first) in [
            (KeyCode::Up, 0),
            (KeyCode::Down, 1),
            (KeyCode::End, 20),
            (KeyCode::Down, 20),
            (KeyCode::PageUp, 11),
            (KeyCode::Home, 0),
            (KeyCode::Char('G'), 20),
        ] {
            keys.push(code);
            assert_eq!(after(&keys).0.first, first, "{keys:?}");
        }
    }

    #[test]
    fn pause_and_help_are_switched() {
        assert!(after(&[KeyCode::Char('p')]).0.is_paused);
        assert!(!after(&[KeyCode::Char('p'), KeyCode::Char('p')]).0.is_paused);
        assert!(after(&[KeyCode::Char('h')]).0.is_help);
        assert!(!after(&[KeyCode::Char('h'), KeyCode::Char('x')]).0.is_help);
    }
}
