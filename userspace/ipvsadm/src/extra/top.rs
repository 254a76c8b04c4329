// SPDX-License-Identifier: GPL-2.0

//! `ipvsadm top`: services with their servers, the busiest first.

mod chart;
mod columns;
mod keys;
mod look;
mod screen;

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use clap::ArgMatches;
use crossterm::event::{self, Event, KeyEventKind};

use self::columns::Columns;
use self::keys::{Next, Shown, Sort, HELP};
use self::look::{History, Look};
use self::screen::{Ink, Line, Screen};
use crate::error::Failure;
use crate::exit_code::ExitCode;
use crate::restore::say;
use crate::session::Session;

const EMPTY: &str = "There are no services.";
const NO_SUCH: &str = "No service has that in its name.";
const KEYS: &str =
    "q: quit  b c a n: order  /: filter  p: pause  h: help  arrows, PgUp, PgDn: scroll";

/// Shows the table until someone presses `q`.
///
/// # Errors
///
/// What the kernel or the terminal says.
pub fn run(session: &mut Session, options: &ArgMatches) -> Result<ExitCode, Failure> {
    let text = |name: &str| options.get_one::<String>(name).map(String::as_str);
    let shown = Shown {
        sort: text("sort").and_then(Sort::from_name).unwrap_or_default(),
        filter: text("filter").unwrap_or_default().to_lowercase(),
        ..Shown::default()
    };
    if options.get_flag("once") {
        let width = options.get_one::<u32>("width").copied().unwrap_or(100);
        let width = usize::try_from(width).unwrap_or(usize::MAX);
        let mut look = Look::take(session)?;
        look.arrange(shown.sort, &shown.filter);
        say(&once(&look, width))?;
        return Ok(ExitCode::Success);
    }
    if !(std::io::stdout().is_terminal() && std::io::stdin().is_terminal()) {
        return Err(Failure::usage(
            "top needs a terminal; `ipvsadm top --once` prints one look as text.",
        ));
    }
    let mut screen = Screen::take().map_err(|error| Failure::io("terminal", &error))?;
    follow(session, &mut screen, shown, super::interval(options))?;
    Ok(ExitCode::Success)
}

/// One look as text.
fn once(look: &Look, width: usize) -> String {
    let columns = Columns::fitting(width, look.name_width());
    let mut lines = vec![look.title(width), look.load(&History::default())];
    if look.len() == 0 {
        lines.push(EMPTY.to_owned());
    } else {
        lines.push(columns.header());
        lines.extend(look.rows(0, look.len()).map(|row| columns.line(&row)));
    }
    let lines = lines.iter().flat_map(|line| [line.trim_end(), "\n"]);
    lines.collect()
}

/// The lines of the screen: what all do, the columns, the rows, what keys do.
fn draw(
    look: &Look,
    history: &History,
    shown: &mut Shown,
    (width, height): (usize, usize),
) -> Vec<Line> {
    let mut lines = vec![
        Line::new(look.title(width), Ink::Bold),
        Line::new(look.load(history), Ink::Plain),
    ];
    let chart = history.chart(width);
    if !chart.is_empty() && height > 8 {
        lines.push(Line::new(chart, Ink::Plain));
    }
    let columns = Columns::fitting(width, look.name_width());
    lines.push(Line::new(
        format!("{:<width$}", columns.header()),
        Ink::Reversed,
    ));
    let body = height.saturating_sub(lines.len()).saturating_sub(1);
    if shown.is_help {
        lines.extend(
            HELP.iter()
                .take(body)
                .map(|line| Line::new(*line, Ink::Plain)),
        );
    } else {
        shown.page = body;
        shown.first = shown.first.min(look.len().saturating_sub(shown.page));
        let rows = look.rows(shown.first, shown.page);
        lines.extend(rows.map(|row| Line::new(columns.line(&row), row.ink)));
        if look.len() == 0 {
            let text = if shown.filter.is_empty() {
                EMPTY
            } else {
                NO_SUCH
            };
            lines.push(Line::new(text, Ink::Plain));
        }
    }
    lines.resize(height.saturating_sub(1), Line::default());
    lines.push(Line::new(footer(shown, look.len(), width), Ink::Plain));
    let surplus = lines.len().saturating_sub(height);
    lines.drain(..surplus);
    lines
}

/// The filter that is typed; or which rows are shown, if not all, the order and the filter, and what keys do, if there is room for it.
fn footer(shown: &Shown, rows: usize, width: usize) -> String {
    if shown.is_typing {
        return format!(
            "filter: {}_   (Enter: keep it, Esc: give it up)",
            shown.filter
        );
    }
    let mut out = String::new();
    if shown.is_paused {
        out.push_str("PAUSED   ");
    }
    let last = shown.first.saturating_add(shown.page).min(rows);
    if last.saturating_sub(shown.first) < rows && !shown.is_help {
        out.push_str(&format!(
            "{}-{last} of {rows}   ",
            shown.first.saturating_add(1)
        ));
    }
    if shown.sort != Sort::default() {
        out.push_str(&format!("by {}   ", shown.sort.name()));
    }
    if !shown.filter.is_empty() {
        out.push_str(&format!("only `{}'   ", shown.filter));
    }
    let keys = [KEYS, "q: quit  h: help", "q: quit"];
    let room = width.saturating_sub(out.chars().count());
    let keys = keys.into_iter().find(|keys| keys.len() <= room);
    out.push_str(keys.unwrap_or_default());
    out
}

fn follow(
    session: &mut Session,
    screen: &mut Screen,
    mut shown: Shown,
    interval: Duration,
) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::io("terminal", &error);
    let mut history = History::default();
    let mut look = Look::default();
    let mut is_first = true;
    loop {
        if is_first || !shown.is_paused {
            look = Look::take(session)?;
            history.note(&look);
        }
        is_first = false;
        let next = Instant::now().checked_add(interval);
        loop {
            look.arrange(shown.sort, &shown.filter.to_lowercase());
            let size = Screen::size().map_err(failed)?;
            let lines = draw(&look, &history, &mut shown, size);
            screen.show(&lines, size.0).map_err(failed)?;
            let left = next.map_or(interval, |at| at.saturating_duration_since(Instant::now()));
            if left.is_zero() || !event::poll(left).map_err(failed)? {
                break;
            }
            // Another size is drawn as any change is.
            if let Event::Key(key) = event::read().map_err(failed)? {
                let is_press = key.kind == KeyEventKind::Press;
                if is_press && shown.press(&key, look.len()) == Next::Quit {
                    return Ok(());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ipvs_netlink::{
        Addr, Dest, DestKey, DestSettings, Family, Service, ServiceKey, ServiceSettings,
    };

    use super::*;

    /// Firewall marks with as many servers each.
    fn look(services: u32, servers: u8) -> Look {
        let octets = |last| std::array::from_fn(|at| if at == 15 { last } else { 0xfd });
        let dest = |number| {
            let key = DestKey {
                family: Family::V6,
                addr: Addr::from_v6(octets(number)),
                port: 8080,
            };
            let mut dest = Dest::new(key, DestSettings::default());
            (dest.active, dest.inactive) = (u32::from(number), 2);
            dest.stats.rates.connections = u64::from(100 - number);
            dest
        };
        let service = |mark| {
            let key = ServiceKey::from_mark(Family::V6, mark);
            Service::new(key, ServiceSettings::default())
        };
        Look::of(
            (1..=services)
                .map(|mark| (service(mark), (1..=servers).map(dest).collect()))
                .collect(),
        )
    }

    /// The lines on a screen of this size.
    fn screen(look: &Look, shown: &mut Shown, width: usize, height: usize) -> Vec<String> {
        let lines = draw(look, &History::default(), shown, (width, height));
        lines
            .into_iter()
            .map(|line| line.text.trim_end().to_owned())
            .collect()
    }

    #[test]
    fn one_is_not_many() {
        let title = |services, servers| look(services, servers).title(100);
        assert!(title(0, 0).contains("0 services, 0 servers, 0 connections/s"));
        assert!(title(1, 1).contains("1 service, 1 server, "));
        assert!(title(2, 2).contains("2 services, 4 servers, "));
    }

    #[test]
    fn an_empty_table_is_said_to_be_empty() {
        assert!(once(&look(0, 0), 80).ends_with("There are no services.\n"));
        let seen = screen(&look(0, 0), &mut Shown::default(), 40, 6);
        assert_eq!(seen[3], "There are no services.");
        assert_eq!(seen[5], "q: quit  h: help");
    }

    #[test]
    fn the_part_that_fits_is_shown() {
        let look = look(3, 9);
        let mut shown = Shown {
            first: 100,
            ..Shown::default()
        };
        let seen = screen(&look, &mut shown, 80, 10);
        assert_eq!((seen.len(), shown.first), (10, 24));
        assert!(seen[8].contains("fd09]:8080"));
        assert!(seen[9].starts_with("25-30 of 30   q: quit"));
        // A larger screen shows more, not a gap.
        let seen = screen(&look, &mut shown, 200, 50);
        assert!(seen[3].starts_with("FWM  1 IPv6"));
    }

    #[test]
    fn the_order_and_the_filter_are_those_that_were_chosen() {
        let mut look = look(1, 9);
        let first = |look: &Look| {
            look.rows(1, 1)
                .next()
                .map(|row| row.name)
                .unwrap_or_default()
        };
        look.arrange(Sort::Active, "");
        assert!(first(&look).contains("fd09]"), "{}", first(&look));
        look.arrange(Sort::Connections, "");
        assert!(first(&look).contains("fd01]"), "{}", first(&look));
        look.arrange(Sort::Name, "fd03]");
        assert_eq!(look.len(), 10);
        look.arrange(Sort::Name, "nothing like it");
        assert_eq!(look.len(), 0);
        let mut shown = Shown {
            filter: "nothing".to_owned(),
            is_paused: true,
            ..Shown::default()
        };
        let seen = screen(&look, &mut shown, 120, 10).join("\n");
        assert!(
            seen.contains(NO_SUCH) && seen.contains("PAUSED   only `nothing'"),
            "{seen}"
        );
    }

    #[test]
    fn drops_and_connections_are_in_the_head() {
        let said = look(2, 2).load(&History::default());
        assert!(
            said.starts_with("connections: 6 active, 8 inactive"),
            "{said}"
        );
        assert!(said.contains("does not count them"));
    }

    #[test]
    fn help_stands_in_place_of_the_table() {
        let mut shown = Shown {
            is_help: true,
            ..Shown::default()
        };
        let seen = screen(&look(2, 2), &mut shown, 120, 24).join("\n");
        assert!(seen.contains("order by bytes") && !seen.contains("FWM"));
    }

    #[test]
    fn small_screens_do_no_harm() {
        for (width, height) in [(0, 0), (1, 1), (3, 2), (10, 3), (20, 4)] {
            let seen = screen(&look(2, 2), &mut Shown::default(), width, height);
            assert_eq!(seen.len(), height);
        }
    }
}
