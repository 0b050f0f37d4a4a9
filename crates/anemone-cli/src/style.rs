//! Colours, where somebody looks and has not asked for none.

use std::io::IsTerminal;

/// Whether to colour what goes to one stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    colour: bool,
}

const BOLD: &str = "1";
const RED: &str = "1;31";
const YELLOW: &str = "1;33";
const CYAN: &str = "36";

impl Style {
    /// None.
    pub(crate) const PLAIN: Style = Style { colour: false };

    /// As the stream and the variables `NO_COLOR` and `TERM` want it.
    pub(crate) fn of(stream: &impl IsTerminal) -> Style {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|v| v == "dumb");
        Style { colour: stream.is_terminal() && !unwanted && !dumb }
    }

    pub(crate) fn is_coloured(self) -> bool {
        self.colour
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    pub(crate) fn error(self, text: &str) -> String {
        self.paint(RED, text)
    }

    pub(crate) fn warning(self, text: &str) -> String {
        self.paint(YELLOW, text)
    }

    pub(crate) fn hint(self, text: &str) -> String {
        self.paint(CYAN, text)
    }

    pub(crate) fn heading(self, text: &str) -> String {
        self.paint(BOLD, text)
    }
}
