#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Makes a table and a plot of what soak.py wrote: plot.py FOLDER, with FOLDER/c/soak.csv and FOLDER/rust/soak.csv.

The table goes to stdout, the plot to FOLDER/soak.svg: a chart for each column, the C module grey and ours blue."""

import csv
import sys

COLOURS = {"c": "#999999", "rust": "#1f77b4"}
CHARTS = {"connections": "connections", "memory_kb": "kernel memory, kB", "http_per_s": "pages/s", "udp_per_s": "datagrams/s",
          "bulk_kbit_per_s": "bulk, kbit/s", "lost": "lost"}
WIDTH, HEIGHT, LEFT, GAP = 900, 90, 130, 25


def load(folder, kind):
    with open(f"{folder}/{kind}/soak.csv", encoding="ascii") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def chart(top, name, runs):
    """The SVG elements of one column's chart."""
    most = max(row[name] for rows in runs.values() for row in rows) * 1.1 or 1
    longest = max(row["seconds"] for rows in runs.values() for row in rows)
    lines = [f'<text x="5" y="{top + 15}">{CHARTS[name]}</text>', f'<text x="5" y="{top + 32}" fill="#666">0 to {most:.0f}</text>',
             f'<rect x="{LEFT}" y="{top}" width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#ccc"/>']
    for kind, rows in runs.items():
        points = " ".join(f"{LEFT + row['seconds'] / longest * WIDTH:.1f},{top + HEIGHT - row[name] / most * HEIGHT:.1f}"
                          for row in rows)
        lines.append(f'<polyline points="{points}" fill="none" stroke="{COLOURS[kind]}" stroke-width="1.5"/>')
    return lines


def main():
    folder = sys.argv[1]
    runs = {kind: load(folder, kind) for kind in COLOURS}
    print(f"{'mean of':20} {'C':>12} {'ours':>12}")
    for name, title in CHARTS.items():
        means = [sum(row[name] for row in rows) / len(rows) for rows in runs.values()]
        print(f"{title:20} {means[0]:12.1f} {means[1]:12.1f}")
    elements = [line for number, name in enumerate(CHARTS) for line in chart(10 + number * (HEIGHT + GAP), name, runs)]
    bottom = 10 + len(CHARTS) * (HEIGHT + GAP)
    minutes = max(row["seconds"] for rows in runs.values() for row in rows) / 60
    elements.append(f'<text x="{LEFT}" y="{bottom}">{minutes:.0f} minutes; the C module grey, ours blue</text>')
    size = f'width="{LEFT + WIDTH + 20}" height="{bottom + 10}"'
    with open(f"{folder}/soak.svg", "w", encoding="utf-8") as file:
        file.write(f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">\n'
                   + "\n".join(elements) + "\n</svg>\n")


if __name__ == "__main__":
    main()
