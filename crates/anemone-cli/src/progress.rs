//! What is going on, said on a terminal while it takes long.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::time::Duration;

/// What is done sooner needs no word.
const PATIENCE: Duration = Duration::from_millis(300);
const TICK: Duration = Duration::from_millis(100);

/// A line on stderr that vanishes with this value. Where stderr is no terminal there is none.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// A stage of unknown length: `what` with a spinner, once it has taken a while.
    pub(crate) fn stage(what: &str) -> Progress {
        let bar = hidden(ProgressBar::new_spinner().with_message(what.to_owned()), "{spinner} {msg} ({elapsed})");
        let shown = bar.clone();
        if wanted() {
            std::thread::spawn(move || {
                std::thread::sleep(PATIENCE);
                if !shown.is_finished() {
                    shown.set_draw_target(ProgressDrawTarget::stderr());
                    shown.enable_steady_tick(TICK);
                }
            });
        }
        Progress(bar)
    }

    /// A stage of `len` steps. It draws only in [`Progress::at`], so that nothing runs beside what is measured.
    pub(crate) fn steps(what: &str, len: u64) -> Progress {
        let bar = ProgressBar::with_draw_target(Some(len), ProgressDrawTarget::hidden());
        let bar = hidden(bar.with_message(what.to_owned()), "{msg} {wide_bar} {percent} %");
        if wanted() {
            bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(5));
        }
        Progress(bar)
    }

    /// Step `at` is reached.
    pub(crate) fn at(&self, at: u64) {
        self.0.set_position(at);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn wanted() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("ANEMONE_NO_PROGRESS").is_none()
}

fn hidden(bar: ProgressBar, template: &str) -> ProgressBar {
    bar.set_draw_target(ProgressDrawTarget::hidden());
    let style = ProgressStyle::with_template(template);
    bar.with_style(style.expect("the templates above are right"))
}
