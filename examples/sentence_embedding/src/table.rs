//! The cosines as a table.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns of the terminal for a sentence.
const WIDEST: usize = 48;

/// A line for each sentence: its number, its beginning, and its cosine with each of them. Colours tell high from low.
pub(crate) fn render(sentences: &[String], cosines: &[Vec<f32>], colours: bool) -> String {
    let labels: Vec<String> = sentences.iter().map(|s| shorten(s)).collect();
    let width = labels.iter().map(|l| l.width()).max().unwrap_or_default();
    let digits = sentences.len().to_string().len();
    let mut out = " ".repeat(digits + 2 + width);
    (1..=sentences.len()).for_each(|number| out += &format!("{number:>7}"));
    for ((number, label), row) in (1..).zip(&labels).zip(cosines) {
        let gap = " ".repeat(width - label.width());
        out += &format!("\n{number:>digits$}  {label}{gap}");
        row.iter().for_each(|cosine| out += &cell(*cosine, colours));
    }
    out.push('\n');
    out
}

fn cell(cosine: f32, colours: bool) -> String {
    // Without the sum, what rounds to 0 from below would be -0.00.
    let text = format!("{:>7.2}", (cosine * 100.0).round() / 100.0 + 0.0);
    match cosine {
        _ if !colours => text,
        c if c >= 0.6 => format!("\x1b[1;32m{text}\x1b[0m"),
        c if c >= 0.3 => format!("\x1b[33m{text}\x1b[0m"),
        _ => format!("\x1b[2m{text}\x1b[0m"),
    }
}

/// The beginning of a sentence in at most [`WIDEST`] columns, without anything that would move the cursor.
fn shorten(sentence: &str) -> String {
    let clean: String = sentence.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if clean.width() <= WIDEST {
        return clean;
    }
    let mut out = String::new();
    let mut width = 1;
    for c in clean.chars() {
        width += c.width().unwrap_or_default();
        if width > WIDEST {
            break;
        }
        out.push(c);
    }
    out + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let sentences = ["short".to_owned(), "東京".to_owned(), "x".repeat(100)];
        let cosines = vec![vec![1.0, -0.001, 0.5], vec![-0.001, 1.0, -0.25], vec![0.5, -0.25, 1.0]];
        let table = render(&sentences, &cosines, false);
        let widths: Vec<_> = table.lines().map(UnicodeWidthStr::width).collect();
        assert_eq!(widths, [1 + 2 + WIDEST + 21; 4]);
        assert!(table.contains("short") && table.contains("東京") && table.contains("x…"), "{table}");
        assert!(table.contains("   0.00") && !table.contains("-0.00"), "{table}");
    }

    #[test]
    fn colours_and_controls_only_where_wanted() {
        let sentences = ["bell \x07 \x1b[2J".to_owned()];
        assert!(!render(&sentences, &[vec![1.0]], false).contains(['\x1b', '\x07']));
        assert!(render(&sentences, &[vec![1.0]], true).contains("\x1b[1;32m   1.00\x1b[0m"));
    }
}
