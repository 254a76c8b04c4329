// SPDX-License-Identifier: GPL-2.0

//! Lists services with their servers: `cargo run --example list`, as root.

fn main() -> Result<(), ipvs_netlink::Error> {
    let mut client = ipvs_netlink::Client::connect()?;
    for service in client.services()? {
        println!("{:?}", service.key);
        for dest in client.dests(&service.key)? {
            println!("    {:?}: {} active", dest.key, dest.active);
        }
    }
    Ok(())
}
