// SPDX-License-Identifier: GPL-2.0

//! `/proc/net/ktcpvs`: the configuration as a file of the tool has it, with counters behind `#`.

use kernel::{prelude::*, seq_file::SeqFile, seq_print, str::BStr};
use knet::proc_seq::Show;
use ktcpvs_core::{
    config::{Host, Item, Number, Place, Port, Text},
    http::{answer::Class, Fault},
    message::Endpoint,
};

use crate::{
    netns::Ktcpvs,
    service::{Body, Service},
    stats::Sums,
};

/// `/proc/net/ktcpvs`.
pub(super) struct Listing;

impl Show<Ktcpvs> for Listing {
    const NAME: &'static CStr = c"ktcpvs";
    const MODE: u16 = 0o440;

    fn show(ktcpvs: &Ktcpvs, seq: &SeqFile) {
        seq_print!(seq, "# TCP Virtual Server version 1.0.0\n");
        for service in &ktcpvs.config.lock().services {
            if let Some(body) = service.body.get() {
                show_service(service, &body, seq);
            }
        }
    }
}

fn show_service(service: &Service, body: &Body, seq: &SeqFile) {
    let mut out = |bytes: &[u8]| seq_print!(seq, "{}", BStr::from_bytes(bytes));
    let config = &body.config;
    Item::Begin(service.name.as_bytes()).write(&mut out);
    let state = match (service.is_running(), service.relays()) {
        (true, _) => "running",
        (false, 0) => "stopped",
        (false, _) => "draining",
    };
    seq_print!(
        seq,
        "    # {state}, {} relays, {} states",
        service.relays(),
        body.states()
    );
    show_sums(&service.stats.sums(), seq);
    Item::Listen(place(&config.listen)).write(&mut out);
    Item::Scheduler(config.scheduler.as_bytes()).write(&mut out);
    let numbers = [
        Number::StartServers,
        Number::MaxClients,
        Number::MinSpareServers,
        Number::MaxSpareServers,
        Number::Idle,
    ];
    for (number, value) in numbers.into_iter().zip(config.numbers) {
        Item::Number(number, value).write(&mut out);
    }
    if let Some(redirect) = &config.redirect {
        Item::Redirect(place(redirect)).write(&mut out);
    }
    if config.max_body != u64::MAX {
        Item::MaxBody(config.max_body).write(&mut out);
    }
    for member in &body.members {
        let server = &member.server;
        Item::Server(place(server.at()), member.weight).write(&mut out);
        seq_print!(
            seq,
            "    # {} relays, down for {} ticks",
            server.relays(),
            server.down()
        );
        show_sums(&server.stats.sums(), seq);
    }
    for rule in &body.rules {
        let item = Item::Rule {
            pattern: Text::plain(rule.pattern.as_slice()),
            group: rule.group,
            server: place(rule.server.at()),
        };
        item.write(&mut out);
    }
    Item::End.write(&mut out);
}

/// The end of a line of a comment.
fn show_sums(sums: &Sums, seq: &SeqFile) {
    seq_print!(
        seq,
        ", {} connections, {} requests, {} tried again, {} bytes in, {} out",
        sums.conns,
        sums.requests,
        sums.retried,
        sums.bytes_in,
        sums.bytes_out
    );
    let classes = [
        (Class::Successful, '2'),
        (Class::Redirection, '3'),
        (Class::ClientError, '4'),
        (Class::ServerError, '5'),
    ];
    for (class, digit) in classes {
        if sums.of(class) != 0 {
            seq_print!(seq, ", {} times {digit}xx", sums.of(class));
        }
    }
    for (fault, count) in Fault::ALL.into_iter().zip(sums.errors) {
        if count != 0 {
            seq_print!(seq, ", {count} times {}", fault.status());
        }
    }
    seq_print!(seq, "\n");
}

/// An endpoint as a file has it.
fn place(at: &Endpoint) -> Place<'static> {
    Place {
        host: Host::Addr(at.family, at.addr),
        port: Some(Port::Number(at.port)),
    }
}
