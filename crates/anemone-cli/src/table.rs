//! Tables in text, and numbers with units.

use crate::style::Style;

/// How the cells of a column stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Align {
    Left,
    Right,
}

/// Rows of cells under headings.
pub(crate) struct Table {
    columns: Vec<(&'static str, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Columns: a heading and how the cells stand.
    pub(crate) fn new(columns: &[(&'static str, Align)]) -> Table {
        Table { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row, a cell for each column.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        assert_eq!(cells.len(), self.columns.len(), "cells of a row");
        self.rows.push(cells);
    }

    /// The text, a line for each row; `indent` stands before each line.
    pub(crate) fn text(&self, indent: &str, style: Style) -> String {
        let width = |at: usize| {
            let cells = self.rows.iter().map(|row| row[at].chars().count());
            cells.max().unwrap_or(0).max(self.columns[at].0.chars().count())
        };
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        let line = |cells: &[&str]| {
            let cells = cells.iter().zip(&widths).zip(&self.columns).map(|((cell, width), (_, align))| match align {
                Align::Left => format!("{cell:<width$}"),
                Align::Right => format!("{cell:>width$}"),
            });
            let line = cells.collect::<Vec<_>>().join("  ");
            format!("{indent}{}", line.trim_end())
        };
        let headings: Vec<&str> = self.columns.iter().map(|(heading, _)| *heading).collect();
        let mut out = String::new();
        if headings.iter().any(|h| !h.is_empty()) {
            out += &style.heading(&line(&headings));
            out.push('\n');
        }
        for row in &self.rows {
            out += &line(&row.iter().map(String::as_str).collect::<Vec<_>>());
            out.push('\n');
        }
        out
    }
}

/// Names with values, one to a line.
pub(crate) fn facts(facts: &[(&str, String)], style: Style) -> String {
    let width = facts.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    facts.iter().map(|(name, value)| format!("{}  {value}\n", style.heading(&format!("{name:<width$}")))).collect()
}

/// A number of bytes: `1.50 MiB`.
pub(crate) fn bytes(n: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if n < 1024 {
        return format!("{n} B");
    }
    let mut value = n as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{} {}", three_digits(value), UNITS[unit])
}

/// A large count: `12,345` is exact, from a million on `1.23 M`.
pub(crate) fn count(n: u64) -> String {
    const UNITS: [(f64, &str); 3] = [(1e12, "T"), (1e9, "G"), (1e6, "M")];
    let large = UNITS.iter().find(|(unit, _)| n as f64 >= *unit);
    large.map_or_else(|| grouped(n), |(unit, name)| format!("{} {name}", three_digits(n as f64 / unit)))
}

/// All digits, in groups: `1,234,567`.
pub(crate) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A time in seconds: `12.3 µs`.
pub(crate) fn seconds(t: f64) -> String {
    let (unit, name) = match t {
        t if t < 1e-6 => (1e-9, "ns"),
        t if t < 1e-3 => (1e-6, "µs"),
        t if t < 1.0 => (1e-3, "ms"),
        _ => (1.0, "s"),
    };
    format!("{} {name}", three_digits(t / unit))
}

/// A value of a tensor: short, and not rounded to 0.
pub(crate) fn value(x: f64) -> String {
    let size = x.abs();
    if x == 0.0 || (x.fract() == 0.0 && size < 1e6) {
        format!("{x}")
    } else if (1e-3..1e6).contains(&size) {
        let digits = 4 - (size.log10().floor() as i32).clamp(-3, 4);
        format!("{x:.*}", digits.unsigned_abs() as usize)
    } else {
        format!("{x:.3e}")
    }
}

/// Three digits: `1.23`, `12.3`, `123`.
pub(crate) fn three_digits(x: f64) -> String {
    match x {
        x if x < 9.995 => format!("{x:.2}"),
        x if x < 99.95 => format!("{x:.1}"),
        x => format!("{x:.0}"),
    }
}

/// `1 thing`, `2 things`.
pub(crate) fn plural(n: usize, thing: &str) -> String {
    format!("{} {thing}{}", grouped(n as u64), if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_units() {
        assert_eq!(
            [0, 1023, 1024, 1536 * 1024, u64::MAX].map(bytes),
            ["0 B", "1023 B", "1.00 KiB", "1.50 MiB", "16777216 TiB"]
        );
        assert_eq!([7, 999_999, 1_000_000, 22_500_000_000].map(count), ["7", "999,999", "1.00 M", "22.5 G"]);
        assert_eq!(
            [3e-9, 1.234e-5, 0.0123, 1.0, 120.0].map(seconds),
            ["3.00 ns", "12.3 µs", "12.3 ms", "1.00 s", "120 s"]
        );
        assert_eq!(
            [0.0, 3.0, -0.5, 1234.5678, 1e-9, 70000.5, 0.001].map(value),
            ["0", "3", "-0.50000", "1234.6", "1.000e-9", "70000", "0.0010000"]
        );
        assert_eq!([plural(1, "run"), plural(1200, "run")], ["1 run", "1,200 runs"]);
    }

    #[test]
    fn columns_are_aligned() {
        let mut table = Table::new(&[("name", Align::Left), ("n", Align::Right)]);
        table.row(vec!["x".into(), "10".into()]);
        table.row(vec!["longer".into(), "7".into()]);
        assert_eq!(table.text("  ", Style::PLAIN), "  name     n\n  x       10\n  longer   7\n");
    }
}
