// SPDX-License-Identifier: GPL-2.0

//! `ipvsadm top`: services and servers, the busiest first.

use std::time::{Duration, Instant};

use clap::ArgMatches;
use ratatui::backend::{Backend, TestBackend};
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Cell, Row, Table};
use ratatui::{Frame, Terminal};

use ipvs_netlink::{Dest, Service, ServiceKey, Stats};

use crate::command::View;
use crate::error::Failure;
use crate::exit_code::ExitCode;
use crate::names::Names;
use crate::print::table::{method_name, Table as Lines};
use crate::restore::say;
use crate::session::Session;

/// Rows of text beside those of services and servers.
const FRAME_ROWS: u16 = 2;

/// A look at the table.
struct Look {
    table: Vec<(Service, Vec<Dest>)>,
}

impl Look {
    fn take(session: &mut Session) -> Result<Self, Failure> {
        let mut table = session
            .table(None, true)
            .map_err(|error| Failure::listing(&error))?;
        // The busiest first; the sort is stable, so others keep their order.
        table.sort_by_key(|(service, _)| {
            std::cmp::Reverse(
                service
                    .stats
                    .rates
                    .bytes_in
                    .max(service.stats.rates.bytes_out),
            )
        });
        Ok(Self { table })
    }

    fn rows(&self) -> usize {
        let servers: usize = self.table.iter().map(|(_, dests)| dests.len()).sum();
        servers.saturating_add(self.table.len())
    }

    fn title(&self) -> String {
        let servers: usize = self.table.iter().map(|(_, dests)| dests.len()).sum();
        let (mut connections, mut bytes_in, mut bytes_out) = (0_u64, 0_u64, 0_u64);
        for (service, _) in &self.table {
            connections = connections.saturating_add(service.stats.rates.connections);
            bytes_in = bytes_in.saturating_add(service.stats.rates.bytes_in);
            bytes_out = bytes_out.saturating_add(service.stats.rates.bytes_out);
        }
        format!(
            "ipvsadm top: {} services, {servers} servers, {connections} connections/s, {} in, {} out",
            self.table.len(),
            per_second(bytes_in),
            per_second(bytes_out)
        )
    }

    fn draw(&self, frame: &mut Frame<'_>, scroll: usize) {
        let [top, body] =
            Layout::vertical([Constraint::Length(1), Constraint::Min(1)]).areas(frame.area());
        frame.render_widget(
            Line::from(self.title()).style(Style::new().add_modifier(Modifier::BOLD)),
            top,
        );
        let header = [
            "SERVICE -> SERVER",
            "METHOD",
            "WEIGHT",
            "ACTIVE",
            "INACT",
            "CONN/S",
            "IN",
            "OUT",
        ];
        let widths = [
            Constraint::Min(30),
            Constraint::Length(9),
            Constraint::Length(10),
            Constraint::Length(8),
            Constraint::Length(8),
            Constraint::Length(8),
            Constraint::Length(10),
            Constraint::Length(10),
        ];
        let rows: Vec<Row<'_>> = self.all_rows().into_iter().skip(scroll).collect();
        let header = Row::new(header).style(Style::new().add_modifier(Modifier::REVERSED));
        frame.render_widget(Table::new(rows, widths).header(header), body);
    }

    fn all_rows(&self) -> Vec<Row<'static>> {
        let names = Names::new(true);
        let lines = Lines {
            names: &names,
            view: View::Plain,
            exact: false,
        };
        let mut rows = Vec::with_capacity(self.rows());
        for (service, dests) in &self.table {
            let sum =
                |get: fn(&Dest) -> u32| dests.iter().map(|dest| u64::from(get(dest))).sum::<u64>();
            let scheduler = crate::print::scheduler(service);
            let cells = [
                lines.service_name(&service.key),
                scheduler,
                String::new(),
                sum(|dest| dest.active).to_string(),
                sum(|dest| dest.inactive).to_string(),
            ];
            rows.push(row(
                cells,
                &service.stats,
                Style::new().add_modifier(Modifier::BOLD),
            ));
            rows.extend(
                dests
                    .iter()
                    .map(|dest| server_row(&names, &service.key, dest)),
            );
        }
        rows
    }
}

fn server_row(names: &Names, service: &ServiceKey, dest: &Dest) -> Row<'static> {
    // Quiesced servers, and those with all the connections that they may have.
    let overloaded = dest.settings.upper != 0
        && dest.active.saturating_add(dest.inactive) >= dest.settings.upper;
    let style = match dest.settings.weight {
        0 => Style::new().fg(Color::DarkGray),
        _ if overloaded => Style::new().fg(Color::Red),
        _ => Style::new(),
    };
    let mut name = "  -> ".to_owned();
    names.put_server(&mut name, service, &dest.key);
    let cells = [
        name,
        method_name(dest.settings.method).to_owned(),
        dest.settings.weight.to_string(),
        dest.active.to_string(),
        dest.inactive.to_string(),
    ];
    row(cells, &dest.stats, style)
}

fn row(cells: [String; 5], stats: &Stats, style: Style) -> Row<'static> {
    let rates = &stats.rates;
    let rest = [
        rates.connections.to_string(),
        per_second(rates.bytes_in),
        per_second(rates.bytes_out),
    ];
    Row::new(cells.into_iter().chain(rest).map(Cell::from)).style(style)
}

/// Bytes in a second.
fn per_second(bytes: u64) -> String {
    for (unit, name) in [
        (1_000_000_000, "GB/s"),
        (1_000_000, "MB/s"),
        (1_000, "kB/s"),
    ] {
        if bytes >= unit {
            let tenths = bytes.saturating_mul(10).checked_div(unit).unwrap_or(0);
            return format!("{}.{} {name}", tenths / 10, tenths % 10);
        }
    }
    format!("{bytes} B/s")
}

/// Shows the table until someone presses `q`.
///
/// # Errors
///
/// What the kernel or the terminal says.
pub fn run(session: &mut Session, options: &ArgMatches) -> Result<ExitCode, Failure> {
    if options.get_flag("once") {
        let width = options.get_one::<u32>("width").copied().unwrap_or(100);
        say(&once(
            &Look::take(session)?,
            u16::try_from(width).unwrap_or(u16::MAX),
        )?)?;
        return Ok(ExitCode::Success);
    }
    let mut terminal = ratatui::try_init().map_err(|error| Failure::io("terminal", &error))?;
    let outcome = follow(session, &mut terminal, super::interval(options));
    ratatui::restore();
    outcome.map(|()| ExitCode::Success)
}

/// One look as text.
fn once(look: &Look, width: u16) -> Result<String, Failure> {
    let height = u16::try_from(look.rows())
        .unwrap_or(u16::MAX)
        .saturating_add(FRAME_ROWS);
    let failed = |error: std::io::Error| Failure::io("drawing", &error);
    let mut terminal = Terminal::new(TestBackend::new(width, height)).map_err(failed)?;
    terminal.draw(|frame| look.draw(frame, 0)).map_err(failed)?;
    let buffer = terminal.backend().buffer();
    let cells: Vec<&str> = buffer.content().iter().map(|cell| cell.symbol()).collect();
    let lines = cells.chunks(usize::from(width).max(1));
    Ok(lines
        .map(|line| line.concat().trim_end().to_owned() + "\n")
        .collect())
}

fn follow<B: Backend>(
    session: &mut Session,
    terminal: &mut Terminal<B>,
    interval: Duration,
) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::io("terminal", &error);
    let mut scroll = 0_usize;
    loop {
        let look = Look::take(session)?;
        let next = Instant::now().checked_add(interval);
        loop {
            terminal
                .draw(|frame| look.draw(frame, scroll))
                .map_err(failed)?;
            let left = next.map_or(interval, |at| at.saturating_duration_since(Instant::now()));
            if left.is_zero() || !event::poll(left).map_err(failed)? {
                break;
            }
            let Event::Key(key) = event::read().map_err(failed)? else {
                continue;
            };
            if key.kind != KeyEventKind::Press {
                continue;
            }
            match key.code {
                KeyCode::Char('q') | KeyCode::Esc => return Ok(()),
                KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => {
                    return Ok(())
                }
                KeyCode::Down | KeyCode::Char('j') => {
                    scroll = scroll.saturating_add(1).min(look.rows())
                }
                KeyCode::Up | KeyCode::Char('k') => scroll = scroll.saturating_sub(1),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_shown_in_the_largest_unit() {
        for (bytes, text) in [
            (0, "0 B/s"),
            (999, "999 B/s"),
            (1_500, "1.5 kB/s"),
            (2_000_000, "2.0 MB/s"),
        ] {
            assert_eq!(per_second(bytes), text);
        }
    }

    #[test]
    fn an_empty_table_is_drawn() {
        let text = once(&Look { table: vec![] }, 80).unwrap();
        assert!(text.starts_with("ipvsadm top: 0 services"));
    }
}
