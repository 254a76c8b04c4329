// SPDX-License-Identifier: GPL-2.0

//! The page.

use std::cmp::Reverse;
use std::fmt::Write;

use ipvs_netlink::{Dest, Service, ServiceKey, Stats};

use super::plot::{escaped, svg, Series, COLOURS};
use super::{Seen, Table};
use crate::command::View;
use crate::extra::numbers::{bytes, count};
use crate::names::Names;
use crate::print::table::{method_name, Table as Lines};
use crate::print::{kernel_version, scheduler};

const STYLE: &str = include_str!("style.css");

/// The whole page.
pub(super) fn html(seen: &Seen) -> String {
    let nothing = Table::new();
    let last = seen.looks.last().unwrap_or(&nothing);
    let module = if seen.is_rust {
        "ipvs_rs"
    } else {
        "the C module"
    };
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>IPVS report</title>\n\
         <meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style></head><body>\n\
         <h1>IPVS report</h1>\n"
    );
    let servers: usize = last.iter().map(|(_, dests)| dests.len()).sum();
    let sum = |get: fn(&Dest) -> u32| {
        let dests = last.iter().flat_map(|(_, dests)| dests);
        dests.map(|dest| u64::from(get(dest))).sum::<u64>()
    };
    let facts = [
        (
            "module",
            format!("{module}, IPVS {}", kernel_version(&seen.info)),
        ),
        ("services", last.len().to_string()),
        ("servers", servers.to_string()),
        ("active connections", sum(|dest| dest.active).to_string()),
        (
            "inactive connections",
            sum(|dest| dest.inactive).to_string(),
        ),
        ("buckets of the table", seen.info.table_size.to_string()),
    ];
    out.push_str("<dl>");
    for (name, value) in facts {
        let _ = write!(
            out,
            "<div><dt>{name}</dt><dd>{}</dd></div>",
            escaped(&value)
        );
    }
    out.push_str("</dl>\n");
    put_plots(&mut out, seen);
    put_table(&mut out, last);
    put_drops(&mut out, seen);
    out.push_str("</body></html>\n");
    out
}

/// The rates of all services together, and of the busiest ones.
fn put_plots(out: &mut String, seen: &Seen) {
    type Get = fn(&Stats) -> u64;
    let looks = seen.looks.len().saturating_sub(1);
    let seconds = seen.interval.saturating_mul(looks as u64) / 1000;
    let all = |name: &str, get: Get| {
        let sum = |table: &Table| {
            table
                .iter()
                .map(|(service, _)| get(&service.stats))
                .sum::<u64>()
        };
        Series {
            name: name.to_owned(),
            numbers: seen.looks.iter().map(sum).collect(),
        }
    };
    out.push_str("<section>\n");
    let connections: Get = |stats| stats.rates.connections;
    let series = [all("all services", connections)];
    out.push_str(&svg("New connections a second", &series, seconds, count));
    let series = [
        all("from clients", |stats| stats.rates.bytes_in),
        all("from servers", |stats| stats.rates.bytes_out),
    ];
    out.push_str(&svg("Bytes a second", &series, seconds, bytes));
    let by_service = |get: Get| busiest(seen, get);
    out.push_str(&svg(
        "New connections a second, by service",
        &by_service(connections),
        seconds,
        count,
    ));
    let traffic: Get = |stats| stats.rates.bytes_in.saturating_add(stats.rates.bytes_out);
    out.push_str(&svg(
        "Bytes a second, by service",
        &by_service(traffic),
        seconds,
        bytes,
    ));
    let active = |(service, dests): &(Service, Vec<Dest>)| {
        (
            service.key,
            dests.iter().map(|dest| u64::from(dest.active)).sum::<u64>(),
        )
    };
    let series = of_services(seen, active);
    out.push_str(&svg(
        "Active connections, by service",
        &series,
        seconds,
        count,
    ));
    out.push_str("</section>\n");
}

/// A number of the services for which it is the largest.
fn busiest(seen: &Seen, get: fn(&Stats) -> u64) -> Vec<Series> {
    of_services(seen, |(service, _)| (service.key, get(&service.stats)))
}

fn of_services(
    seen: &Seen,
    get: impl Fn(&(Service, Vec<Dest>)) -> (ServiceKey, u64),
) -> Vec<Series> {
    let names = Names::new(true);
    let mut all: Vec<(ServiceKey, Vec<u64>)> = Vec::new();
    for row in seen.looks.last().into_iter().flatten() {
        let (key, _) = get(row);
        let number = |table: &Table| {
            let found = table.iter().map(&get).find(|(known, _)| *known == key);
            found.map_or(0, |(_, number)| number)
        };
        all.push((key, seen.looks.iter().map(number).collect()));
    }
    all.sort_by_key(|(_, numbers)| Reverse(numbers.iter().copied().max()));
    all.truncate(COLOURS.len());
    let series = all.into_iter().map(|(key, numbers)| Series {
        name: service_name(&names, &key),
        numbers,
    });
    series.collect()
}

fn service_name(names: &Names, key: &ServiceKey) -> String {
    let lines = Lines {
        names,
        view: View::Plain,
        exact: false,
    };
    let name = lines.service_name(key);
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Services and servers with a bar for the connections of each server.
fn put_table(out: &mut String, table: &Table) {
    let names = Names::new(true);
    out.push_str(
        "<table><thead><tr><th>service, server</th><th>how</th><th>weight</th><th>active</th><th></th><th>inactive</th>\
         <th>conn/s</th><th>in/s</th><th>out/s</th><th>connections</th></tr></thead>\n<tbody>\n",
    );
    for (service, dests) in table {
        let most = dests.iter().map(|dest| dest.active).max().unwrap_or(0);
        let sum =
            |get: fn(&Dest) -> u32| dests.iter().map(|dest| u64::from(get(dest))).sum::<u64>();
        let first = [
            service_name(&names, &service.key),
            scheduler(service),
            String::new(),
        ];
        let numbers = (sum(|dest| dest.active), sum(|dest| dest.inactive));
        put_row(out, "service", &first, numbers, 0, &service.stats);
        for dest in dests {
            let mut name = String::new();
            names.put_server(&mut name, &service.key, &dest.key);
            let first = [
                name,
                method_name(dest.settings.method).to_owned(),
                dest.settings.weight.to_string(),
            ];
            let class = if dest.settings.weight == 0 {
                "server off"
            } else {
                "server"
            };
            let numbers = (u64::from(dest.active), u64::from(dest.inactive));
            let part = u64::from(dest.active).saturating_mul(100);
            let part = part.checked_div(u64::from(most)).unwrap_or(0);
            put_row(out, class, &first, numbers, part, &dest.stats);
        }
    }
    out.push_str("</tbody></table>\n");
}

fn put_row(
    out: &mut String,
    class: &str,
    first: &[String; 3],
    (active, inactive): (u64, u64),
    part: u64,
    stats: &Stats,
) {
    let [name, how, weight] = first.each_ref().map(|text| escaped(text));
    let rates = &stats.rates;
    let _ = writeln!(
        out,
        "<tr class=\"{class}\"><td>{name}</td><td>{how}</td><td>{weight}</td><td>{active}</td>\
         <td class=\"bar\"><i style=\"width:{part}%\"></i></td><td>{inactive}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
        count(rates.connections),
        bytes(rates.bytes_in),
        bytes(rates.bytes_out),
        stats.connections
    );
}

/// Drops by reason, where there are any.
fn put_drops(out: &mut String, seen: &Seen) {
    out.push_str("<h2>Drops</h2>\n");
    let Some((before, after)) = &seen.drops else {
        out.push_str("<p>This kernel does not count them.</p>\n");
        return;
    };
    let mut rows = String::new();
    for (reason, total) in after.iter().filter(|(_, total)| *total != 0) {
        let known = before.iter().find(|(name, _)| name == reason);
        let new = total.saturating_sub(known.map_or(0, |(_, count)| *count));
        let _ = writeln!(
            rows,
            "<tr><td>{}</td><td>{total}</td><td>{new}</td></tr>",
            escaped(reason)
        );
    }
    match rows.is_empty() {
        true => out.push_str("<p>None.</p>\n"),
        false => {
            let _ = write!(
                out,
                "<table><thead><tr><th>reason</th><th>since the namespace began</th><th>in these looks</th></tr></thead>\n\
                 <tbody>\n{rows}</tbody></table>\n"
            );
        }
    }
}
