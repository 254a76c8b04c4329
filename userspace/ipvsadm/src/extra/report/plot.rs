// SPDX-License-Identifier: GPL-2.0

//! Lines over time, as SVG.

use std::fmt::Write;

/// A line: its name, and its numbers in order of time.
pub(super) struct Series {
    pub(super) name: String,
    pub(super) numbers: Vec<u64>,
}

/// The picture's size, and the room at its left and below for what is written there.
const WIDTH: u32 = 640;
const HEIGHT: u32 = 220;
const LEFT: u32 = 76;
const BELOW: u32 = 26;
const ABOVE: u32 = 10;
/// As many colours as lines can be told apart.
pub(super) const COLOURS: [&str; 8] = [
    "#2563eb", "#dc2626", "#059669", "#d97706", "#7c3aed", "#0891b2", "#db2777", "#65a30d",
];

/// Text as it stands in HTML.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// The least of 1, 2 and 5 times a power of ten that is not below a number.
fn ceiling(number: u64) -> u64 {
    let mut step = 1_u64;
    loop {
        for factor in [1, 2, 5] {
            let round = step.saturating_mul(factor);
            if round >= number || round == u64::MAX {
                return round;
            }
        }
        step = step.saturating_mul(10);
    }
}

/// In how many parts of whole numbers the lines of the grid divide an axis.
fn parts(top: u64) -> u64 {
    let fits = |parts: &u64| top.checked_rem(*parts) == Some(0);
    [5, 4, 2].into_iter().find(fits).unwrap_or(1)
}

/// A plot, whose numbers are written by `unit`; `seconds` pass from the first to the last number.
pub(super) fn svg(title: &str, series: &[Series], seconds: u64, unit: fn(u64) -> String) -> String {
    let most = series
        .iter()
        .flat_map(|one| one.numbers.iter().copied())
        .max();
    let top = ceiling(most.unwrap_or(0).max(1));
    let (width, height) = (
        WIDTH.saturating_sub(LEFT).saturating_sub(8),
        HEIGHT.saturating_sub(BELOW).saturating_sub(ABOVE),
    );
    let bottom = ABOVE.saturating_add(height);
    let right = LEFT.saturating_add(width);
    let mut out = format!(
        "<figure><figcaption>{}</figcaption><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{0}\">\n",
        escaped(title)
    );
    let parts = parts(top);
    for part in 0..=parts {
        let divided = |whole: u64| whole.checked_div(parts).unwrap_or(0);
        let share = divided(u64::from(height).saturating_mul(part));
        let y = u64::from(bottom).saturating_sub(share);
        let value = unit(divided(top).saturating_mul(part));
        let _ = writeln!(
            out,
            "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{y}\" x2=\"{right}\" y2=\"{y}\"/>\
             <text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
            LEFT.saturating_sub(6),
            y.saturating_add(4),
            escaped(&value)
        );
    }
    for (at, anchor, text) in [
        (LEFT, "start", format!("{seconds} s ago")),
        (right, "end", "now".to_owned()),
    ] {
        let y = HEIGHT.saturating_sub(6);
        let _ = writeln!(
            out,
            "<text x=\"{at}\" y=\"{y}\" text-anchor=\"{anchor}\">{text}</text>"
        );
    }
    for (one, colour) in series.iter().zip(COLOURS) {
        let points = points(&one.numbers, top, (f64::from(width), f64::from(height)));
        let _ = writeln!(out, "<polyline stroke=\"{colour}\" points=\"{points}\"/>");
    }
    out.push_str("</svg>\n<p class=\"legend\">");
    for (one, colour) in series.iter().zip(COLOURS) {
        let last = one.numbers.last().copied().unwrap_or(0);
        let _ = write!(
            out,
            "<span><i style=\"background:{colour}\"></i>{} {}</span> ",
            escaped(&one.name),
            escaped(&unit(last))
        );
    }
    out.push_str("</p></figure>\n");
    out
}

/// The corners of a line; that of a single number is level.
fn points(numbers: &[u64], top: u64, (width, height): (f64, f64)) -> String {
    let twice;
    let numbers = match numbers {
        [one] => {
            twice = [*one, *one];
            twice.as_slice()
        }
        more => more,
    };
    let steps = numbers.len().saturating_sub(1).max(1) as f64;
    let corners = numbers.iter().enumerate().map(|(at, number)| {
        let x = f64::from(LEFT) + width * (at as f64) / steps;
        let y = f64::from(ABOVE) + height * (1.0 - (*number as f64) / (top as f64));
        format!("{x:.1},{y:.1}")
    });
    corners.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_at_round_numbers() {
        for (number, expected) in [
            (0, 1),
            (1, 1),
            (3, 5),
            (6, 10),
            (11, 20),
            (999, 1000),
            (u64::MAX, u64::MAX),
        ] {
            assert_eq!(ceiling(number), expected);
        }
    }

    /// The numbers at the grid, from below.
    fn grid(most: u64) -> Vec<u64> {
        let line = Series {
            name: String::new(),
            numbers: vec![0, most],
        };
        let plot = svg("", &[line], 1, |number| number.to_string());
        let numbers = plot.split("text-anchor=\"end\">").skip(1);
        let numbers = numbers.filter_map(|rest| rest.split_once('<')?.0.parse().ok());
        numbers.collect()
    }

    #[test]
    fn each_line_of_the_grid_has_its_number() {
        assert_eq!(grid(0), [0, 1]);
        assert_eq!(grid(2), [0, 1, 2]);
        assert_eq!(grid(4), [0, 1, 2, 3, 4, 5]);
        assert_eq!(grid(7), [0, 2, 4, 6, 8, 10]);
        assert_eq!(grid(17), [0, 4, 8, 12, 16, 20]);
        assert_eq!(grid(u64::MAX).last(), Some(&u64::MAX));
    }

    #[test]
    fn lines_begin_at_the_left_and_end_at_the_right() {
        assert_eq!(points(&[0, 10], 10, (100.0, 50.0)), "76.0,60.0 176.0,10.0");
        assert_eq!(points(&[5], 10, (100.0, 50.0)), "76.0,35.0 176.0,35.0");
        assert_eq!(points(&[], 10, (100.0, 50.0)), "");
    }

    #[test]
    fn names_are_no_markup() {
        let series = [Series {
            name: "<b>&\"".to_owned(),
            numbers: vec![1, 2],
        }];
        let out = svg("a < b", &series, 1, |number| number.to_string());
        assert!(
            out.contains("&lt;b&gt;&amp;&quot;")
                && out.contains("a &lt; b")
                && !out.contains("<b>")
        );
    }
}
