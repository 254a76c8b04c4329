// SPDX-License-Identifier: GPL-2.0

//! `ipvsadm top`: services with their servers, the busiest first.

mod columns;
mod look;

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use clap::ArgMatches;
use ratatui::backend::Backend;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Text};
use ratatui::{Frame, Terminal};

use self::columns::Columns;
use self::look::Look;
use crate::error::Failure;
use crate::exit_code::ExitCode;
use crate::restore::say;
use crate::session::Session;

const EMPTY: &str = "There are no services.";
const HELP: &str = "q: quit   arrows, PgUp, PgDn, Home, End: scroll";

/// Shows the table until someone presses `q`.
///
/// # Errors
///
/// What the kernel or the terminal says.
pub fn run(session: &mut Session, options: &ArgMatches) -> Result<ExitCode, Failure> {
    if options.get_flag("once") {
        let width = options.get_one::<u32>("width").copied().unwrap_or(100);
        let width = usize::try_from(width).unwrap_or(usize::MAX);
        say(&once(&Look::take(session)?, width))?;
        return Ok(ExitCode::Success);
    }
    if !(std::io::stdout().is_terminal() && std::io::stdin().is_terminal()) {
        return Err(Failure::usage(
            "top needs a terminal; `ipvsadm top --once` prints one look as text.",
        ));
    }
    let mut terminal = ratatui::try_init().map_err(|error| Failure::io("terminal", &error))?;
    let outcome = follow(session, &mut terminal, super::interval(options));
    ratatui::restore();
    outcome.map(|()| ExitCode::Success)
}

/// One look as text.
fn once(look: &Look, width: usize) -> String {
    let columns = Columns::fitting(width, look.name_width());
    let mut lines = vec![look.title(width)];
    if look.len() == 0 {
        lines.push(EMPTY.to_owned());
    } else {
        lines.push(columns.header());
        lines.extend(look.rows(0, look.len()).map(|row| columns.line(&row)));
    }
    let lines = lines.iter().flat_map(|line| [line.trim_end(), "\n"]);
    lines.collect()
}

/// The part of the table that is on the screen.
#[derive(Default)]
struct Scroll {
    /// The first row.
    first: usize,
    /// So many fit.
    page: usize,
}

impl Scroll {
    /// Does what a key says; whether that is to end.
    fn press(&mut self, key: &KeyEvent, rows: usize) -> bool {
        let last = rows.saturating_sub(self.page);
        let page = self.page.saturating_sub(1).max(1);
        self.first = match key.code {
            KeyCode::Char('q') | KeyCode::Esc => return true,
            KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => return true,
            KeyCode::Down | KeyCode::Char('j') => self.first.saturating_add(1),
            KeyCode::Up | KeyCode::Char('k') => self.first.saturating_sub(1),
            KeyCode::PageDown | KeyCode::Char(' ') => self.first.saturating_add(page),
            KeyCode::PageUp => self.first.saturating_sub(page),
            KeyCode::Home | KeyCode::Char('g') => 0,
            KeyCode::End | KeyCode::Char('G') => last,
            _ => self.first,
        }
        .min(last);
        false
    }
}

/// Draws a look: what all do, the columns, the rows, what keys do.
fn draw(frame: &mut Frame<'_>, look: &Look, scroll: &mut Scroll) {
    let [top, body, bottom] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Min(2),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    let width = usize::from(top.width);
    let bold = Style::new().add_modifier(Modifier::BOLD);
    frame.render_widget(Line::styled(look.title(width), bold), top);
    let columns = Columns::fitting(width, look.name_width());
    scroll.page = usize::from(body.height).saturating_sub(1);
    scroll.first = scroll.first.min(look.len().saturating_sub(scroll.page));
    let reversed = Style::new().add_modifier(Modifier::REVERSED);
    let header = format!("{:<width$}", columns.header());
    let mut lines = vec![Line::styled(header, reversed)];
    let rows = look.rows(scroll.first, scroll.page);
    lines.extend(rows.map(|row| Line::styled(columns.line(&row), row.style)));
    if look.len() == 0 {
        lines.push(Line::raw(EMPTY));
    }
    frame.render_widget(Text::from(lines), body);
    frame.render_widget(Line::raw(footer(scroll, look.len(), width)), bottom);
}

/// Which rows are shown, if not all; and what keys do, if there is room for it.
fn footer(scroll: &Scroll, rows: usize, width: usize) -> String {
    let last = scroll.first.saturating_add(scroll.page).min(rows);
    let mut out = String::new();
    if last.saturating_sub(scroll.first) < rows {
        out = format!("{}-{last} of {rows}   ", scroll.first.saturating_add(1));
    }
    let help = [HELP, "q: quit"];
    let room = width.saturating_sub(out.len());
    let help = help.into_iter().find(|help| help.len() <= room);
    out.push_str(help.unwrap_or_default());
    out
}

fn follow<B: Backend>(
    session: &mut Session,
    terminal: &mut Terminal<B>,
    interval: Duration,
) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::io("terminal", &error);
    let mut scroll = Scroll::default();
    loop {
        let look = Look::take(session)?;
        let next = Instant::now().checked_add(interval);
        loop {
            terminal
                .draw(|frame| draw(frame, &look, &mut scroll))
                .map_err(failed)?;
            let left = next.map_or(interval, |at| at.saturating_duration_since(Instant::now()));
            if left.is_zero() || !event::poll(left).map_err(failed)? {
                break;
            }
            // Another size is drawn as any change is.
            if let Event::Key(key) = event::read().map_err(failed)? {
                if key.kind == KeyEventKind::Press && scroll.press(&key, look.len()) {
                    return Ok(());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ipvs_netlink::{
        Addr, Dest, DestKey, DestSettings, Family, Service, ServiceKey, ServiceSettings, Stats,
    };
    use ratatui::backend::TestBackend;

    use super::*;

    /// Firewall marks with as many servers each.
    fn look(services: u32, servers: u8) -> Look {
        let octets = |last| std::array::from_fn(|at| if at == 15 { last } else { 0xfd });
        let dest = |number| Dest {
            key: DestKey {
                family: Family::V6,
                addr: Addr::from_v6(octets(number)),
                port: 8080,
            },
            settings: DestSettings::default(),
            active: 1,
            inactive: 2,
            persistent: 0,
            stats: Stats::default(),
        };
        let service = |mark| Service {
            key: ServiceKey::from_mark(Family::V6, mark),
            settings: ServiceSettings::default(),
            stats: Stats::default(),
        };
        Look::of(
            (1..=services)
                .map(|mark| (service(mark), (1..=servers).map(dest).collect()))
                .collect(),
        )
    }

    /// The lines on a screen of this size.
    fn screen(look: &Look, scroll: &mut Scroll, width: u16, height: u16) -> Vec<String> {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(frame, look, scroll)).unwrap();
        let buffer = terminal.backend().buffer();
        let cells: Vec<&str> = buffer.content().iter().map(|cell| cell.symbol()).collect();
        cells
            .chunks(usize::from(width))
            .map(|line| line.concat().trim_end().to_owned())
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
        let seen = screen(&look(0, 0), &mut Scroll::default(), 40, 5);
        assert_eq!(seen[2], "There are no services.");
        assert_eq!(seen[4], "q: quit");
    }

    #[test]
    fn the_last_row_is_the_last_line_that_one_comes_to() {
        let look = look(3, 9);
        let mut scroll = Scroll::default();
        for (code, first) in [
            (KeyCode::Up, 0),
            (KeyCode::Down, 1),
            (KeyCode::End, 23),
            (KeyCode::Down, 23),
            (KeyCode::PageUp, 17),
            (KeyCode::Home, 0),
            (KeyCode::End, 23),
        ] {
            screen(&look, &mut scroll, 80, 10);
            assert!(!scroll.press(&KeyEvent::new(code, KeyModifiers::NONE), look.len()));
            assert_eq!(scroll.first, first);
        }
        let seen = screen(&look, &mut scroll, 80, 10);
        assert!(seen[8].contains("fd09]:8080"));
        assert!(seen[9].starts_with("24-30 of 30   q: quit"));
        // A larger screen shows more, not a gap.
        let seen = screen(&look, &mut scroll, 200, 50);
        assert!(seen[2].starts_with("FWM  1 IPv6"));
        assert!(scroll.press(&KeyEvent::from(KeyCode::Char('q')), look.len()));
    }

    #[test]
    fn small_screens_do_no_harm() {
        for (width, height) in [(1, 1), (3, 2), (10, 3), (20, 4)] {
            screen(&look(2, 2), &mut Scroll::default(), width, height);
        }
    }
}
