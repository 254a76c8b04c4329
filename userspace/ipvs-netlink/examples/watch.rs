// SPDX-License-Identifier: GPL-2.0

//! Shows changes for a minute, on kernels that tell of them (ipvs_rs): `cargo run --example watch`, as root.

use std::time::{Duration, Instant};

use ipvs_netlink::{Client, Error, Wait};

fn main() -> Result<(), Error> {
    let mut monitor = Client::connect()?.monitor()?;
    let begin = Instant::now();
    while let Some(left) = Duration::from_secs(60).checked_sub(begin.elapsed()) {
        match monitor.next_within(left)? {
            Wait::Event(event) => println!("{:?} by port {}", event.change, event.port),
            Wait::Lost => println!("some changes were lost: list everything anew"),
            Wait::Timeout => break,
        }
    }
    Ok(())
}
