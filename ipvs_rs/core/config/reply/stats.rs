// SPDX-License-Identifier: GPL-2.0

//! Statistics in a reply.

use super::{AttributeSink, Full};
use crate::est::Stats;
use crate::uapi::stats;

/// Adds statistics in both forms: the nest `mixed` with some numbers of 32 bits, and the nest `wide`
/// with all numbers of 64 bits.
pub(super) fn both<S: AttributeSink>(
    sink: &mut S,
    mixed: u16,
    wide: u16,
    view: &Stats,
) -> Result<(), Full> {
    sink.nest(mixed, |sink| stats_attributes(sink, view))?;
    sink.nest(wide, |sink| stats64_attributes(sink, view))
}

/// Adds the older form, in which only the counters of bytes have 64 bits.
fn stats_attributes<S: AttributeSink>(sink: &mut S, view: &Stats) -> Result<(), Full> {
    let counters = &view.counters;
    // CAST: the low half, as the C module does.
    sink.put_u32(stats::CONNS, counters.conns as u32)?;
    sink.put_u32(stats::INPKTS, counters.inpkts as u32)?;
    sink.put_u32(stats::OUTPKTS, counters.outpkts as u32)?;
    sink.put_u64(stats::INBYTES, counters.inbytes, stats::PAD)?;
    sink.put_u64(stats::OUTBYTES, counters.outbytes, stats::PAD)?;
    sink.put_u32(stats::CPS, view.cps as u32)?;
    sink.put_u32(stats::INPPS, view.inpps as u32)?;
    sink.put_u32(stats::OUTPPS, view.outpps as u32)?;
    sink.put_u32(stats::INBPS, view.inbps as u32)?;
    sink.put_u32(stats::OUTBPS, view.outbps as u32)
}

/// Adds the newer form, in which all numbers have 64 bits.
fn stats64_attributes<S: AttributeSink>(sink: &mut S, view: &Stats) -> Result<(), Full> {
    let counters = &view.counters;
    for (kind, value) in [
        (stats::CONNS, counters.conns),
        (stats::INPKTS, counters.inpkts),
        (stats::OUTPKTS, counters.outpkts),
        (stats::INBYTES, counters.inbytes),
        (stats::OUTBYTES, counters.outbytes),
        (stats::CPS, view.cps),
        (stats::INPPS, view.inpps),
        (stats::OUTPPS, view.outpps),
        (stats::INBPS, view.inbps),
        (stats::OUTBPS, view.outbps),
    ] {
        sink.put_u64(kind, value, stats::PAD)?;
    }
    Ok(())
}
