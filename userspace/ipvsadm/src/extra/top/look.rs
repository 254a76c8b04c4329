// SPDX-License-Identifier: GPL-2.0

//! A look at the table, as rows of text.

use std::cmp::Reverse;
use std::fmt::Write;

use ipvs_netlink::{Dest, Service, ServiceKey, Stats};

use super::chart::{bar, sparkline};
use super::columns::Row;
use super::keys::Sort;
use super::screen::Ink;
use crate::command::View;
use crate::error::Failure;
use crate::extra::drops;
use crate::extra::numbers::{bytes, count};
use crate::names::Names;
use crate::print::scheduler;
use crate::print::table::{method_name, Table as Lines};
use crate::session::Session;

/// Services with their servers, in the order that is shown, and what is known of all of them together.
#[derive(Default)]
pub(super) struct Look {
    /// All of them, in the order of listings.
    whole: Vec<(Service, Vec<Dest>)>,
    /// Those that are shown.
    table: Vec<(Service, Vec<Dest>)>,
    /// The characters of the longest name.
    name_width: usize,
    /// The buckets of the connection table.
    table_size: u32,
    /// Drops by reason, if the kernel tells.
    drops: Option<Vec<(String, u64)>>,
}

/// What is remembered from look to look.
#[derive(Default)]
pub(super) struct History {
    connections: Vec<u64>,
    bytes: Vec<u64>,
    /// Drops in all at the last look but one, and at the last.
    drops: (u64, u64),
}

/// As many looks are remembered as a wide screen has columns.
const REMEMBERED: usize = 500;

impl History {
    /// Takes note of a look.
    pub(super) fn note(&mut self, look: &Look) {
        let all = look.sum(|stats| stats.rates.connections);
        let (bytes_in, bytes_out) = look.bytes();
        for (numbers, number) in [
            (&mut self.connections, all),
            (&mut self.bytes, bytes_in.saturating_add(bytes_out)),
        ] {
            numbers.push(number);
            let surplus = numbers.len().saturating_sub(REMEMBERED);
            numbers.drain(..surplus);
        }
        let drops = look.dropped();
        let before = match self.connections.len() {
            1 => drops,
            _ => self.drops.1,
        };
        self.drops = (before, drops);
    }

    /// New connections and bytes of the last looks as lines; nothing before the second look.
    pub(super) fn chart(&self, width: usize) -> String {
        const WORDS: usize = "conn/s   bytes/s ".len();
        if self.connections.len() < 2 {
            return String::new();
        }
        let room = width.saturating_sub(WORDS) / 2;
        let connections = sparkline(&self.connections, room);
        let bytes = sparkline(&self.bytes, room);
        format!("conn/s {connections:<room$}  bytes/s {bytes}")
    }

    fn new_drops(&self) -> u64 {
        self.drops.1.saturating_sub(self.drops.0)
    }
}

/// What a row is about.
#[derive(Clone, Copy)]
enum Item<'a> {
    Service(&'a Service, &'a [Dest]),
    /// A server, and the most active connections that a server of its service has.
    Dest(&'a ServiceKey, &'a Dest, u32),
}

impl Look {
    /// Takes one.
    pub(super) fn take(session: &mut Session) -> Result<Self, Failure> {
        let failed = |error| Failure::listing(&error);
        let info = session.client.info().map_err(failed)?;
        let table = session.table(None, true).map_err(failed)?;
        Ok(Self {
            table_size: info.table_size,
            drops: drops::read(drops::DROPS),
            ..Self::of(table)
        })
    }

    /// The look of a table that is in the order of listings.
    pub(super) fn of(whole: Vec<(Service, Vec<Dest>)>) -> Self {
        let mut look = Self {
            whole,
            ..Self::default()
        };
        look.arrange(Sort::default(), "");
        look
    }

    /// Chooses the order and the services: those of which a name has `filter` in it.
    pub(super) fn arrange(&mut self, sort: Sort, filter: &str) {
        let names = Names::new(true);
        let fits = |item: Item<'_>| name(&names, item).to_lowercase().contains(filter);
        let table = self.whole.iter().filter(|(service, dests)| {
            filter.is_empty()
                || fits(Item::Service(service, dests))
                || dests
                    .iter()
                    .any(|dest| fits(Item::Dest(&service.key, dest, 0)))
        });
        let mut table: Vec<_> = table.cloned().collect();
        let most = |stats: &Stats| stats.rates.bytes_in.max(stats.rates.bytes_out);
        let of_dest = |dest: &Dest| match sort {
            Sort::Bytes => most(&dest.stats),
            Sort::Connections => dest.stats.rates.connections,
            Sort::Active => u64::from(dest.active),
            Sort::Name => 0,
        };
        let of_service = |service: &Service, dests: &[Dest]| match sort {
            Sort::Bytes => most(&service.stats),
            Sort::Connections => service.stats.rates.connections,
            Sort::Active => dests.iter().map(|dest| u64::from(dest.active)).sum(),
            Sort::Name => 0,
        };
        // Stable sorts: what is as busy as another stays in its order.
        table.sort_by_key(|(service, dests)| Reverse(of_service(service, dests)));
        for (_, dests) in &mut table {
            dests.sort_by_key(|dest| Reverse(of_dest(dest)));
        }
        self.table = table;
        let names = Names::new(true);
        let widths = self.items().map(|item| name(&names, item).chars().count());
        self.name_width = widths.max().unwrap_or(0);
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
            let most = dests.iter().map(|dest| dest.active).max().unwrap_or(0);
            let servers = dests
                .iter()
                .map(move |dest| Item::Dest(&service.key, dest, most));
            std::iter::once(Item::Service(service, dests)).chain(servers)
        })
    }

    /// So many rows from one on.
    pub(super) fn rows(&self, from: usize, number: usize) -> impl Iterator<Item = Row> + '_ {
        let names = Names::new(true);
        let items = self.items().skip(from).take(number);
        items.map(move |item| row(&names, item))
    }

    /// A number of all services together.
    fn sum(&self, get: fn(&Stats) -> u64) -> u64 {
        let numbers = self.whole.iter().map(|(service, _)| get(&service.stats));
        numbers.fold(0_u64, u64::saturating_add)
    }

    /// Bytes a second, in and out.
    fn bytes(&self) -> (u64, u64) {
        let bytes_in = self.sum(|stats| stats.rates.bytes_in);
        (bytes_in, self.sum(|stats| stats.rates.bytes_out))
    }

    /// All drops together.
    fn dropped(&self) -> u64 {
        let drops = self.drops.iter().flatten().map(|(_, count)| *count);
        drops.fold(0, u64::saturating_add)
    }

    /// The connections of all servers, the buckets of their table, and what is dropped for which reasons.
    pub(super) fn load(&self, history: &History) -> String {
        let sum = |get: fn(&Dest) -> u32| {
            let dests = self.whole.iter().flat_map(|(_, dests)| dests);
            dests.map(|dest| u64::from(get(dest))).sum::<u64>()
        };
        let (active, inactive) = (sum(|dest| dest.active), sum(|dest| dest.inactive));
        let mut out = format!(
            "connections: {active} active, {inactive} inactive, {} buckets   ",
            self.table_size
        );
        let Some(drops) = &self.drops else {
            out.push_str("drops: this kernel does not count them");
            return out;
        };
        let _ = write!(out, "drops: {}", self.dropped());
        if history.new_drops() != 0 {
            let _ = write!(out, " (+{})", history.new_drops());
        }
        let mut reasons: Vec<_> = drops.iter().filter(|(_, count)| *count != 0).collect();
        reasons.sort_by_key(|(_, count)| Reverse(*count));
        for (name, count) in reasons.into_iter().take(4) {
            let _ = write!(out, ", {name} {count}");
        }
        out
    }

    /// What all services do together, in at most so many characters if that can be.
    pub(super) fn title(&self, width: usize) -> String {
        let services = plural(self.whole.len() as u64, "service");
        let servers = self.whole.iter().map(|(_, dests)| dests.len() as u64);
        let servers = plural(servers.sum(), "server");
        let connections = self.sum(|stats| stats.rates.connections);
        let (bytes_in, bytes_out) = self.bytes();
        let (bytes_in, bytes_out) = (bytes(bytes_in), bytes(bytes_out));
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
        Item::Dest(service, dest, _) => {
            let mut out = "  -> ".to_owned();
            names.put_server(&mut out, service, &dest.key);
            out
        }
    }
}

fn row(names: &Names, item: Item<'_>) -> Row {
    let (how, weight, active, inactive, stats, ink, chart) = match item {
        Item::Service(service, dests) => {
            let sum = |get: fn(&Dest) -> u32| dests.iter().map(|dest| u64::from(get(dest))).sum();
            (
                scheduler(service),
                String::new(),
                sum(|dest| dest.active),
                sum(|dest| dest.inactive),
                &service.stats,
                Ink::Bold,
                String::new(),
            )
        }
        Item::Dest(_, dest, most) => (
            method_name(dest.settings.method).to_owned(),
            count(u64::from(dest.settings.weight)),
            u64::from(dest.active),
            u64::from(dest.inactive),
            &dest.stats,
            dest_ink(dest),
            bar(u64::from(dest.active), u64::from(most), 8),
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
        chart,
    ];
    Row {
        name: name(names, item),
        cells,
        ink,
    }
}

/// Grey are quiesced servers, red those with all the connections that they may have.
fn dest_ink(dest: &Dest) -> Ink {
    let upper = dest.settings.upper;
    if dest.settings.weight == 0 {
        Ink::Grey
    } else if upper != 0 && dest.active.saturating_add(dest.inactive) >= upper {
        Ink::Red
    } else {
        Ink::Plain
    }
}
