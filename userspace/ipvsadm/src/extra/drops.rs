// SPDX-License-Identifier: GPL-2.0

//! The files of the kernel that have a name and a number in each line: drops by reason, events of synchronisation. The C module
//! has none of them.

/// Packets and connections that were given up, by reason.
pub const DROPS: &str = "/proc/net/ip_vs_drops";
/// Events of the synchronisation daemons.
pub const SYNC: &str = "/proc/net/ip_vs_sync";

/// The names and numbers in a text. A line that is no name and number is left out.
pub fn parse(lines: &str) -> Vec<(String, u64)> {
    let is_name = |it: &str| {
        it.bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    lines
        .lines()
        .filter_map(|line| {
            let (name, count) = line.split_once(' ')?;
            let count = count.trim().parse().ok()?;
            is_name(name).then(|| (name.to_owned(), count))
        })
        .collect()
}

/// The names and numbers in a file; [`None`] if the kernel has no such file.
pub fn read(path: &str) -> Option<Vec<(String, u64)>> {
    std::fs::read_to_string(path).ok().map(|text| parse(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_names_and_numbers() {
        let lines = "truncated 3\nno_server 18446744073709551615\nx\"y 4\nno count\n\n";
        let expected = [
            ("truncated".to_owned(), 3),
            ("no_server".to_owned(), u64::MAX),
        ];
        assert_eq!(parse(lines), expected);
    }
}
