// SPDX-License-Identifier: GPL-2.0

//! Puts servers behind a virtual address, in turn and by NAT: `cargo run --example balance 192.0.2.1:80 10.0.0.2:80 10.0.0.3:80`, as
//! root.

use std::error::Error;
use std::net::SocketAddr;

use ipvs_netlink::{Client, DestKey, DestSettings, Method, Name};
use ipvs_netlink::{Request, ServiceKey, ServiceSettings};

fn main() -> Result<(), Box<dyn Error>> {
    let addresses = std::env::args().skip(1).map(|word| word.parse());
    let mut addresses = addresses
        .collect::<Result<Vec<SocketAddr>, _>>()?
        .into_iter();
    let service = ServiceKey::tcp(addresses.next().ok_or("which virtual address?")?);
    let settings = ServiceSettings::new(service.family()).with_scheduler(Name::new(b"rr"));
    let mut requests = vec![Request::AddService(service, settings)];
    requests.extend(addresses.map(|server| {
        Request::AddDest(
            service,
            DestKey::from(server),
            DestSettings::new(Method::Nat, 1),
        )
    }));
    for failure in Client::connect()?.execute_all(&requests)? {
        let request = requests.get(failure.index);
        println!("{request:?}: {}", ipvs_netlink::Error::from(failure));
    }
    Ok(())
}
