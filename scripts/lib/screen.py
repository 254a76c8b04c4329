#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Draws a terminal as SVG: screen.py TITLE COLUMNS ROWS < what a program printed > picture. It knows what our programs print: places,
bold, reversed, grey, red, and lines that are cleared."""

import re
import sys
from xml.sax.saxutils import escape

# Of a character, in pixels.
WIDE, HIGH, SIZE = 8, 18, 13
EDGE, BAR = 12, 26
PAPER, TEXT, FRAME = "#1d2126", "#d6dae0", "#2c323a"
COLOURS = {31: "#ff6b6b", 91: "#ff6b6b", 90: "#808a96"}
# Colours as crossterm says them: 38;5;N.
PALETTE = {1: 31, 9: 31, 8: 90}
SEQUENCE = re.compile(r"\x1b\[([?>=]?)([0-9;]*)([A-Za-z])|\x1b[=>78]|\x1b\][^\x07]*\x07")
PLAIN = (None, False, False)


class Screen:
    """Cells with a character and how it looks: colour, bold, reversed."""

    def __init__(self, columns, rows):
        self.columns, self.rows = columns, rows
        self.row = self.column = 0
        self.look = PLAIN
        self.cells = [self.blank() for _ in range(rows)]

    def blank(self):
        return [(" ", PLAIN)] * self.columns

    def newline(self):
        self.row += 1
        if self.row == self.rows:
            self.cells = self.cells[1:] + [self.blank()]
            self.row -= 1

    def put(self, character):
        if character == "\r":
            self.column = 0
        elif character == "\n":
            self.newline()
        elif character >= " ":
            if self.column == self.columns:
                self.column = 0
                self.newline()
            self.cells[self.row][self.column] = (character, self.look)
            self.column += 1

    def clear(self, kind, number):
        rest = [(" ", PLAIN)] * (self.columns - self.column)
        if kind == "J" and number == 2:
            self.cells = [self.blank() for _ in range(self.rows)]
            return
        self.cells[self.row][self.column :] = rest
        if kind == "J":
            for row in range(self.row + 1, self.rows):
                self.cells[row] = self.blank()

    def ink(self, numbers):
        colour, bold, reverse = self.look
        numbers = list(numbers)
        while numbers:
            number = numbers.pop(0)
            if number == 0:
                colour, bold, reverse = PLAIN
            elif number == 1:
                bold = True
            elif number == 7:
                reverse = True
            elif number == 38 and numbers[:1] == [5]:
                colour = PALETTE.get(numbers[1])
                del numbers[:2]
            elif number in COLOURS:
                colour = number
        self.look = (colour, bold, reverse)

    def read(self, text):
        at = 0
        while at < len(text):
            found = SEQUENCE.match(text, at)
            if not found:
                self.put(text[at])
                at += 1
                continue
            at = found.end()
            private, words, kind = found.groups()
            if private or kind is None:
                continue
            numbers = [int(word or 0) for word in words.split(";")] if words else [0]
            if kind == "H":
                row, column = (numbers + [1, 1])[:2] if words else (1, 1)
                self.row, self.column = min(row or 1, self.rows) - 1, min(column or 1, self.columns) - 1
            elif kind in "JK":
                self.clear(kind, numbers[0])
            elif kind == "m":
                self.ink(numbers)
            else:
                raise ValueError(f"no such sequence here: {found.group(0)!r}")


def runs(cells):
    """Parts of a row that look alike: column, text, look."""
    start = 0
    for at in range(1, len(cells) + 1):
        if at == len(cells) or cells[at][1] != cells[start][1]:
            yield start, "".join(character for character, _ in cells[start:at]), cells[start][1]
            start = at


def drawn(screen, title):
    wide, high = screen.columns * WIDE + 2 * EDGE, screen.rows * HIGH + 2 * EDGE + BAR
    yield f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{high}" viewBox="0 0 {wide} {high}">'
    yield "<!-- SPDX-License-Identifier: GPL-2.0; made by scripts/pictures.sh -->"
    yield "<style>text{white-space:pre}</style>"
    yield f"<title>{escape(title)}</title>"
    yield f'<rect width="{wide}" height="{high}" rx="7" fill="{PAPER}"/>'
    yield f'<path d="M0 {BAR}V7a7 7 0 0 1 7-7H{wide - 7}a7 7 0 0 1 7 7V{BAR}z" fill="{FRAME}"/>'
    font = f"font-family=\"'DejaVu Sans Mono', Menlo, Consolas, monospace\" font-size=\"{SIZE}\""
    yield f'<text x="{wide / 2:g}" y="17" {font} fill="#9aa3ae" text-anchor="middle">{escape(title)}</text>'
    yield f'<g {font} fill="{TEXT}">'
    for number, cells in enumerate(screen.cells):
        for column, text, (colour, bold, reverse) in runs(cells):
            x, y = EDGE + column * WIDE, BAR + EDGE + number * HIGH
            if reverse:
                yield f'<rect x="{x}" y="{y}" width="{len(text) * WIDE}" height="{HIGH}" fill="{TEXT}"/>'
            shown = text.rstrip(" ")
            skipped = len(shown) - len(shown.lstrip(" "))
            shown = shown.lstrip(" ")
            if not shown:
                continue
            fill = PAPER if reverse else COLOURS.get(colour)
            look = (f' fill="{fill}"' if fill else "") + (' font-weight="bold"' if bold else "")
            yield (
                f'<text x="{x + skipped * WIDE}" y="{y + 13}" textLength="{len(shown) * WIDE}"{look}>{escape(shown)}</text>'
            )
    yield "</g>"
    yield "</svg>"


def main():
    title, columns, rows = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    screen = Screen(columns, rows)
    screen.read(sys.stdin.buffer.read().decode())
    if all(character == " " for cells in screen.cells for character, _ in cells):
        sys.exit("screen.py: the screen is empty")
    print("\n".join(drawn(screen, title)))


if __name__ == "__main__":
    main()
