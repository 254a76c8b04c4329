// SPDX-License-Identifier: GPL-2.0

//! The connections that a client is told about: see `include/uapi/ipvs_rs.h`.

use super::{
    reply::{AttributeSink, Full},
    Name, ServiceKey,
};
use crate::addr::{Addr, Family};
use crate::conn::ConnFlags;
use crate::engine::EngineData;
use crate::flow::Tuple;
use crate::nla::NESTED;
use crate::uapi::additions::{conn, top};

mod filter;
mod saved;

pub use filter::Filter;
pub use saved::{entries, Outcomes};

/// The length of the longest name of a state, in bytes.
pub const STATE_MAX: usize = 15;

/// All that a client is told about a connection or a template.
#[derive(Clone, Copy, Debug)]
pub struct ConnView<'a> {
    /// The two ends of the client's packets.
    pub tuple: Tuple,
    /// The address of the real server, in network order.
    pub server: (Family, Addr),
    /// The port of the real server, in host order.
    pub server_port: u16,
    /// The name of the state in its protocol.
    pub state: &'static str,
    /// The flags.
    pub flags: ConnFlags,
    /// The time until the connection ends without a further packet, in seconds.
    pub expires: u32,
    /// The number of packets from the client.
    pub packets: u32,
    /// The service that scheduled the connection.
    pub service: ServiceKey,
    /// The data of a persistence engine, in a template.
    pub engine: Option<EngineData<'a>>,
}

/// Adds an address in network order, with as many bytes as its family has.
fn put_addr<S: AttributeSink>(
    sink: &mut S,
    kind: u16,
    (family, addr): (Family, Addr),
) -> Result<(), Full> {
    match family {
        Family::V4 => sink.put(kind, &addr.v4()),
        Family::V6 => sink.put(kind, &addr.octets()),
    }
}

/// Adds a connection, and the key of its service.
///
/// # Errors
///
/// [`Full`].
pub fn put<S: AttributeSink>(sink: &mut S, view: &ConnView<'_>) -> Result<(), Full> {
    super::event::service_key(sink, &view.service)?;
    sink.nest(top::CONN | NESTED, |sink| {
        let tuple = &view.tuple;
        sink.put_u16(conn::FAMILY, tuple.family.af())?;
        sink.put_u16(conn::PROTOCOL, tuple.protocol.into())?;
        put_addr(sink, conn::CLIENT_ADDR, (tuple.family, tuple.src))?;
        sink.put_be16(conn::CLIENT_PORT, tuple.sport)?;
        put_addr(sink, conn::VIRTUAL_ADDR, (tuple.family, tuple.dst))?;
        sink.put_be16(conn::VIRTUAL_PORT, tuple.dport)?;
        put_addr(sink, conn::SERVER_ADDR, view.server)?;
        sink.put_be16(conn::SERVER_PORT, view.server_port)?;
        if let Some(name) = Name::new(view.state.as_bytes()) {
            sink.put_name(conn::STATE, &name)?;
        }
        let (family, _) = view.server;
        sink.put_u16(conn::SERVER_FAMILY, family.af())?;
        sink.put_u32(conn::FLAGS, view.flags.bits())?;
        sink.put_u32(conn::EXPIRES, view.expires)?;
        sink.put_u32(conn::IN_PACKETS, view.packets)?;
        let Some(EngineData { name, data }) = view.engine else {
            return Ok(());
        };
        if let Some(name) = Name::new(name) {
            sink.put_name(conn::PE_NAME, &name)?;
        }
        sink.put(conn::PE_DATA, data)
    })
}
