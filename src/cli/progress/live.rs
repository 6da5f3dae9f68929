//! Bars on a terminal: all operations, all bytes, and a line for each operation at work.

use indicatif::{HumanBytes, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{At, estimate::Estimate, time};
use crate::{cli::terminal::Terminal, journal::replay::Replay, operation::Operation};

/// What stands below the lines.
pub(super) struct Live {
    all: MultiProgress,
    total: ProgressBar,
    /// One for each operation at work, and for what does not fit.
    work: Vec<ProgressBar>,
    color: bool,
    height: usize,
}

impl Live {
    pub(super) fn new(terminal: &Terminal, operations: usize) -> Self {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(10));
        let total = all.add(ProgressBar::new(operations as u64));
        let color = terminal.is_colored();
        // What is said beside the bar says more than the bar.
        let (bar, paint) = (if terminal.width() < 80 { 8 } else { 24 }, if color { ".green/dim" } else { "" });
        total.set_style(style(&format!("       {{bar:{bar}{paint}}} {{wide_msg}}"), terminal.is_ascii()));
        // Bars take at most half of a terminal of the usual height.
        Self { all, total, work: Vec::new(), color, height: 10 }
    }

    pub(super) fn draw<'o>(
        &mut self,
        done: usize,
        estimate: &Estimate,
        replay: &Replay,
        work: impl Iterator<Item = (&'o Operation, &'o At)>,
        width: usize,
    ) {
        let mut message = format!("{done} of {} operations", replay.operations.len());
        if estimate.total > 0 && estimate.arrived < estimate.total {
            message += &format!(", {} of {}", HumanBytes(estimate.arrived), HumanBytes(estimate.total));
            if let Some(speed) = estimate.speed() {
                message += &format!(" ({}/s)", HumanBytes(speed as u64));
            }
        }
        if let Some(left) = estimate.left(replay) {
            message += &format!(", {left}");
        }
        self.total.set_position(done as u64);
        self.total.set_message(message);
        let mut lines: Vec<String> = work.map(|(operation, at)| self.line_of(operation, at, width)).collect();
        if lines.len() > self.height {
            let more = lines.len() - self.height;
            lines.truncate(self.height);
            lines.push(format!("       and {more} more at work"));
        }
        while self.work.len() > lines.len() {
            if let Some(bar) = self.work.pop() {
                bar.finish_and_clear();
                self.all.remove(&bar);
            }
        }
        for (index, line) in lines.into_iter().enumerate() {
            if self.work.len() == index {
                let bar = self.all.insert_before(&self.total, ProgressBar::new(1));
                bar.set_style(style("{wide_msg}", false));
                self.work.push(bar);
            }
            self.work[index].set_message(line);
        }
    }

    fn line_of(&self, operation: &Operation, at: &At, width: usize) -> String {
        let bytes = at.bytes.map_or(String::new(), |(arrived, total)| {
            let percent = (arrived * 100).checked_div(total).unwrap_or(100);
            format!("  {percent:>3} % of {}", HumanBytes(total))
        });
        let name = super::line::name(operation, width);
        let text = format!("{name}  {}{bytes}", time(at.since.elapsed()));
        if self.color { format!("\u{1b}[36m{text}\u{1b}[0m") } else { text }
    }

    /// A line above the bars.
    pub(super) fn line(&self, text: &str) {
        // A dead terminal harms nothing: the journal is the truth.
        let _dead = self.all.println(text);
    }

    pub(super) fn clear(self) {
        self.work.iter().for_each(ProgressBar::finish_and_clear);
        self.total.finish_and_clear();
        let _dead = self.all.clear();
    }
}

/// A style; a template that cannot be read gives the plain one.
pub(super) fn style(template: &str, ascii: bool) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.progress_chars(if ascii { "##-" } else { "━╸─" })
}
