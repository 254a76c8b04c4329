// SPDX-License-Identifier: GPL-2.0

//! `getsockopt`: questions.

use ipvs_core::{
    addr::Family,
    config::{DaemonRole, ServiceKey},
    sockopt::{get, reply, request, size},
};
use kernel::prelude::*;
use knet::{
    log,
    net_namespace::Net,
    rcu::{self, Guard},
    sockopt::Buffer,
};

use super::ipvs;
use crate::{
    control::configure,
    model::{
        service::{Cursor, Service},
        views, Ipvs,
    },
};

/// Answers one question.
pub(super) fn run(net: &Net, option: u32, buffer: &mut Buffer) -> Result {
    let least = least_length(option).ok_or(EINVAL)?;
    if buffer.length() < least {
        return Err(EINVAL);
    }
    let ipvs = ipvs(net)?;
    match option {
        get::VERSION => version(&ipvs, buffer),
        get::INFO => info(&ipvs, buffer),
        get::SERVICES => services(&ipvs, buffer),
        get::SERVICE => service(&ipvs, buffer),
        get::DESTS => dests(&ipvs, buffer),
        get::TIMEOUT => timeouts(&ipvs, buffer),
        get::DAEMON => daemons(&ipvs, buffer),
        _ => Err(EINVAL),
    }
}

/// The least that a program must have room for.
fn least_length(option: u32) -> Option<usize> {
    match option {
        get::VERSION => Some(size::VERSION),
        get::INFO => Some(size::INFO),
        get::SERVICES => Some(size::SERVICES),
        get::SERVICE => Some(size::SERVICE_ENTRY),
        get::DESTS => Some(size::DESTS),
        get::TIMEOUT => Some(size::TIMEOUT),
        get::DAEMON => Some(size::DAEMONS),
        _ => None,
    }
}

/// `ip_vs_getinfo`. As the C module does: IPv6 services are not counted.
fn info(ipvs: &Ipvs, buffer: &Buffer) -> Result {
    buffer.read::<{ size::INFO }>()?;
    let services = ipvs.services.count_of(Family::V4);
    buffer.write(0, &reply::info(ipvs.conns.buckets(), services))
}

/// The text, which tells its length.
fn version(ipvs: &Ipvs, buffer: &mut Buffer) -> Result {
    buffer.read::<{ size::VERSION }>()?;
    let (text, length) = reply::version(ipvs.conns.buckets());
    buffer.write(0, text.get(..length).unwrap_or(&text))?;
    buffer.set_length(length);
    Ok(())
}

/// Whether a buffer is as long as `count` entries behind a header make it.
fn check_length(buffer: &Buffer, header: usize, entry: usize, count: u32) -> Result {
    // CAST: A usize has room for a u32.
    let entries = entry.saturating_mul(count as usize);
    let wanted = header.saturating_add(entries);
    if buffer.length() == wanted {
        return Ok(());
    }
    if log::net_ratelimit() {
        pr_err!("length: {} != {wanted}\n", buffer.length());
    }
    Err(EINVAL)
}

/// An `ip_vs_service_entry`.
type Entry = [u8; size::SERVICE_ENTRY];

/// The entry of a service, written over `before`; [`None`] once it is deleted.
fn entry(before: Entry, service: &Service, guard: &Guard) -> Option<Entry> {
    let pool = service.pool.load(guard)?;
    // CAST: Memory is not enough for more.
    let servers = pool.members().len() as u32;
    let view = views::service_with(service, pool);
    Some(reply::service(before, &view, &service.nominal(), servers))
}

/// `ip_vs_get_services`: as many IPv4 services as the header says that there is room for. What
/// there are not enough services for is left alone.
fn services(ipvs: &Ipvs, buffer: &Buffer) -> Result {
    let header = buffer.read::<{ size::SERVICES }>()?;
    let count = request::count(&header, 0).ok_or(EINVAL)?;
    check_length(buffer, size::SERVICES, size::SERVICE_ENTRY, count)?;
    let mut cursor = Cursor::default();
    let mut offset = size::SERVICES;
    for _ in 0..count {
        let Some(entry) = next_v4(ipvs, &mut cursor) else {
            return Ok(());
        };
        buffer.write(offset, &entry)?;
        offset = offset.saturating_add(size::SERVICE_ENTRY);
    }
    Ok(())
}

/// The next IPv4 service of a walk over all services.
fn next_v4(ipvs: &Ipvs, cursor: &mut Cursor) -> Option<Entry> {
    loop {
        let guard = rcu::read_lock();
        let service = ipvs.services.next(cursor, &guard)?;
        if service.key.family() != Family::V4 {
            continue;
        }
        let entry = entry([0; size::SERVICE_ENTRY], &service, &guard);
        if entry.is_some() {
            return entry;
        }
    }
}

/// The service that a program asks about.
fn named(ipvs: &Ipvs, key: Option<ServiceKey>) -> Result<rcu::Arc<Service>> {
    Ok(configure::service(ipvs, &key.ok_or(EINVAL)?)?)
}

/// `ip_vs_service_entry`.
fn service(ipvs: &Ipvs, buffer: &Buffer) -> Result {
    let asked = buffer.read::<{ size::SERVICE_ENTRY }>()?;
    let service = named(ipvs, request::service_key(&asked))?;
    let entry = entry(asked, &service, &rcu::read_lock());
    // See `dests`.
    drop(service);
    buffer.write(0, &entry.ok_or(ESRCH)?)
}

/// `ip_vs_get_dests`: as many servers of the family of their service as the header says that
/// there is room for.
fn dests(ipvs: &Ipvs, buffer: &Buffer) -> Result {
    let header = buffer.read::<{ size::DESTS }>()?;
    let count = request::count(&header, 16).ok_or(EINVAL)?;
    check_length(buffer, size::DESTS, size::DEST_ENTRY, count)?;
    let service = named(ipvs, request::dests_key(&header))?;
    // Not the pool: the reader may sleep in a page fault for as long as it likes.
    let members = service.pool.members().ok_or(ESRCH)?;
    let mut offset = size::DESTS;
    let family = service.key.family();
    // APPLY may put another in its place: then it keeps the old pool, and its scheduler's module.
    drop(service);
    let shown = members.iter().filter(|member| member.key.family == family);
    for (_, member) in (0..count).zip(shown) {
        let view = views::dest(member);
        buffer.write(offset, &reply::dest(&view, member.conn_flags().bits()))?;
        offset = offset.saturating_add(size::DEST_ENTRY);
    }
    Ok(())
}

/// `ip_vs_timeout_user`.
fn timeouts(ipvs: &Ipvs, buffer: &Buffer) -> Result {
    buffer.read::<{ size::TIMEOUT }>()?;
    buffer.write(0, &reply::timeouts(&ipvs.settings.timeouts()))
}

/// Two `ip_vs_daemon_user`.
fn daemons(ipvs: &Ipvs, buffer: &Buffer) -> Result {
    buffer.read::<{ size::DAEMONS }>()?;
    let daemons = ipvs.daemons.lock();
    let of_role = |role| daemons.running().find(|spec| spec.role() == Ok(role));
    let both = reply::daemons(of_role(DaemonRole::Master), of_role(DaemonRole::Backup));
    buffer.write(0, &both)
}
