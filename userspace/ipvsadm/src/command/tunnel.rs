// SPDX-License-Identifier: GPL-2.0

//! Which options go with which tunnel.

use ipvs_netlink::uapi::tunnel;
use ipvs_netlink::{Method, Tunnel};

use crate::cli::{TunnelType, Typed};
use crate::error::Failure;
use crate::options::Flag;

/// The bits of a tunnel's checksum options.
pub mod flags {
    /// Checksums.
    pub const CSUM: u16 = 1;
    /// Remote checksum offload.
    pub const REMCSUM: u16 = 2;
}

/// The tunnel that is asked for.
pub(super) fn options(typed: &Typed, method: Method) -> Result<Tunnel, Failure> {
    const ALL: [(Flag, &str); 5] = [
        (Flag::TunType, "tun-type"),
        (Flag::TunPort, "tun-port"),
        (Flag::TunNoCsum, "tun-nocsum"),
        (Flag::TunCsum, "tun-csum"),
        (Flag::TunRemCsum, "tun-remcsum"),
    ];
    if method != Method::Tunnel {
        if ALL.iter().any(|(flag, _)| typed.has(*flag)) {
            return Err(
                Failure::usage("Tunnel options conflict with forward method")
                    .with("a tunnel is -i"),
            );
        }
        return Ok(Tunnel::default());
    }
    let kind = typed.tunnel.unwrap_or(TunnelType::Ipip);
    let allowed: &[Flag] = match kind {
        TunnelType::Ipip => &[Flag::TunType],
        TunnelType::Gue => &[
            Flag::TunType,
            Flag::TunPort,
            Flag::TunNoCsum,
            Flag::TunCsum,
            Flag::TunRemCsum,
        ],
        TunnelType::Gre => &[Flag::TunType, Flag::TunNoCsum, Flag::TunCsum],
    };
    let name = kind.name();
    for (flag, option) in ALL {
        let given = typed.has(flag);
        if given && !allowed.contains(&flag) {
            return Err(Failure::usage(format!(
                "Illegal '{option}' option with the '{name}' tunnel type"
            )));
        }
        if !given && flag == Flag::TunPort && kind == TunnelType::Gue {
            return Err(Failure::usage(format!(
                "You need to supply the '{option}' option for the '{name}' tunnel type"
            )));
        }
    }
    let sums: Vec<&str> = ALL
        .iter()
        .filter(|(flag, option)| option.ends_with("csum") && typed.has(*flag))
        .map(|(_, option)| *option)
        .collect();
    if let [first, second, ..] = sums.as_slice() {
        return Err(Failure::usage(format!(
            "The option '{second}' conflicts with the '{first}' option in the '{name}' tunnel type"
        )));
    }
    Ok(Tunnel {
        kind: match kind {
            TunnelType::Ipip => tunnel::IPIP,
            TunnelType::Gue => tunnel::GUE,
            TunnelType::Gre => tunnel::GRE,
        },
        port: typed.tunnel_port.unwrap_or(0),
        flags: match sums.first() {
            Some(&"tun-csum") => flags::CSUM,
            Some(&"tun-remcsum") => flags::REMCSUM,
            _ => 0,
        },
    })
}
