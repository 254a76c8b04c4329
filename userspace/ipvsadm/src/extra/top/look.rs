// SPDX-License-Identifier: GPL-2.0

//! A look at the table, as rows of text.

use ratatui::style::{Color, Modifier, Style};

use ipvs_netlink::{Dest, Service, ServiceKey, Stats};

use super::columns::{bytes, count, Row};
use crate::command::View;
use crate::error::Failure;
use crate::names::Names;
use crate::print::scheduler;
use crate::print::table::{method_name, Table as Lines};
use crate::session::Session;

/// Services with their servers, the busiest service first.
pub(super) struct Look {
    table: Vec<(Service, Vec<Dest>)>,
    /// The characters of the longest name.
    name_width: usize,
}

/// What a row is about.
#[derive(Clone, Copy)]
enum Item<'a> {
    Service(&'a Service, &'a [Dest]),
    Dest(&'a ServiceKey, &'a Dest),
}

impl Look {
    /// Takes one.
    pub(super) fn take(session: &mut Session) -> Result<Self, Failure> {
        session
            .table(None, true)
            .map(Self::of)
            .map_err(|error| Failure::listing(&error))
    }

    /// The look of a table; services that are as busy as each other stay in its order.
    pub(super) fn of(mut table: Vec<(Service, Vec<Dest>)>) -> Self {
        table.sort_by_key(|(service, _)| {
            let rates = &service.stats.rates;
            std::cmp::Reverse(rates.bytes_in.max(rates.bytes_out))
        });
        let mut look = Self {
            table,
            name_width: 0,
        };
        let names = Names::new(true);
        let widths = look.items().map(|item| name(&names, item).chars().count());
        look.name_width = widths.max().unwrap_or(0);
        look
    }

    /// The number of services and servers.
    pub(super) fn len(&self) -> usize {
        self.servers().saturating_add(self.table.len())
    }

    /// The characters of the longest name.
    pub(super) const fn name_width(&self) -> usize {
        self.name_width
    }

    fn servers(&self) -> usize {
        self.table.iter().map(|(_, dests)| dests.len()).sum()
    }

    fn items(&self) -> impl Iterator<Item = Item<'_>> {
        self.table.iter().flat_map(|(service, dests)| {
            let servers = dests.iter().map(|dest| Item::Dest(&service.key, dest));
            std::iter::once(Item::Service(service, dests)).chain(servers)
        })
    }

    /// So many rows from one on.
    pub(super) fn rows(&self, from: usize, number: usize) -> impl Iterator<Item = Row> + '_ {
        let names = Names::new(true);
        let items = self.items().skip(from).take(number);
        items.map(move |item| row(&names, item))
    }

    /// What all services do together, in at most so many characters if that can be.
    pub(super) fn title(&self, width: usize) -> String {
        let sum = |get: fn(&Stats) -> u64| {
            let rates = self.table.iter().map(|(service, _)| get(&service.stats));
            rates.fold(0_u64, u64::saturating_add)
        };
        let services = plural(self.table.len() as u64, "service");
        let servers = plural(self.servers() as u64, "server");
        let connections = sum(|stats| stats.rates.connections);
        let (bytes_in, bytes_out) = (
            bytes(sum(|stats| stats.rates.bytes_in)),
            bytes(sum(|stats| stats.rates.bytes_out)),
        );
        let per_second = plural(connections, "connection");
        let long =
            format!("{services}, {servers}, {per_second}/s, {bytes_in}/s in, {bytes_out}/s out");
        let forms = [
            format!("ipvsadm top: {long}"),
            long,
            format!("{services}, {connections} conn/s, {bytes_in}/s in, {bytes_out}/s out"),
            format!("{connections} conn/s, {bytes_in}/s in, {bytes_out}/s out"),
        ];
        let fits = |form: &&String| form.chars().count() <= width;
        let shortest = forms.last();
        forms
            .iter()
            .find(fits)
            .or(shortest)
            .cloned()
            .unwrap_or_default()
    }
}

/// A number of things.
fn plural(number: u64, thing: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{s}")
}

fn name(names: &Names, item: Item<'_>) -> String {
    match item {
        Item::Service(service, _) => Lines {
            names,
            view: View::Plain,
            exact: false,
        }
        .service_name(&service.key),
        Item::Dest(service, dest) => {
            let mut out = "  -> ".to_owned();
            names.put_server(&mut out, service, &dest.key);
            out
        }
    }
}

fn row(names: &Names, item: Item<'_>) -> Row {
    let (how, weight, active, inactive, stats, style) = match item {
        Item::Service(service, dests) => {
            let sum = |get: fn(&Dest) -> u32| dests.iter().map(|dest| u64::from(get(dest))).sum();
            (
                scheduler(service),
                String::new(),
                sum(|dest| dest.active),
                sum(|dest| dest.inactive),
                &service.stats,
                Style::new().add_modifier(Modifier::BOLD),
            )
        }
        Item::Dest(_, dest) => (
            method_name(dest.settings.method).to_owned(),
            count(u64::from(dest.settings.weight)),
            u64::from(dest.active),
            u64::from(dest.inactive),
            &dest.stats,
            dest_style(dest),
        ),
    };
    let rates = &stats.rates;
    let cells = [
        how,
        weight,
        count(active),
        count(inactive),
        count(rates.connections),
        bytes(rates.bytes_in),
        bytes(rates.bytes_out),
    ];
    Row {
        name: name(names, item),
        cells,
        style,
    }
}

/// Grey are quiesced servers, red those with all the connections that they may have.
fn dest_style(dest: &Dest) -> Style {
    let upper = dest.settings.upper;
    if dest.settings.weight == 0 {
        Style::new().fg(Color::DarkGray)
    } else if upper != 0 && dest.active.saturating_add(dest.inactive) >= upper {
        Style::new().fg(Color::Red)
    } else {
        Style::new()
    }
}
