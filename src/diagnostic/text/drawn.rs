//! The drawing, by miette.

use std::{fmt, ops::Range};

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan,
    SpanContents, ThemeCharacters, ThemeStyles,
};

use super::{Excerpt, Form, Part, Severity, Style, severity, told};

/// Lines of context that miette asks for; the excerpt holds as many. Headers ask for none, which tells them apart.
const CONTEXT: usize = 1;

/// Draws a diagnostic: each text of it as a report of its own.
pub(super) fn render(parts: Vec<Part>, style: &Style, out: &mut String) {
    let theme = GraphicalTheme {
        characters: match style.form {
            Form::Unicode => ThemeCharacters::unicode(),
            Form::Ascii | Form::Narrated => ThemeCharacters::ascii(),
        },
        styles: if style.color { ThemeStyles::ansi() } else { ThemeStyles::none() },
    };
    // Neither words nor principals may be cut or hyphenated: they are copied.
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(style.width.max(40))
        .with_break_words(false)
        .with_word_separator(textwrap::WordSeparator::AsciiSpace)
        .with_word_splitter(textwrap::WordSplitter::NoHyphenation)
        .with_context_lines(CONTEXT)
        .with_links(false)
        .without_syntax_highlighting();
    for part in parts {
        let mut drawing = String::new();
        match handler.render_report(&mut drawing, &part) {
            Ok(()) => {
                for line in drawing.lines() {
                    out.push_str(line.trim_end());
                    out.push('\n');
                }
            }
            // miette could not: what is to be said matters more than how.
            Err(fmt::Error) => told::render(&[part], out),
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Part {}

impl miette::Diagnostic for Part {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let (code, weight) = self.head?;
        Some(Box::new(format!("{}[{}]", severity(weight), code.as_str())))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.head {
            Some((_, Severity::Error)) => miette::Severity::Error,
            Some((_, Severity::Warning)) => miette::Severity::Warning,
            None => miette::Severity::Advice,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as _)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.excerpt.as_ref().map(|excerpt| excerpt as _)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let marks = &self.excerpt.as_ref()?.marks;
        Some(Box::new(marks.iter().map(|mark| {
            let message = (!mark.message.is_empty()).then(|| mark.message.clone());
            let span = SourceSpan::from(mark.span.clone());
            if mark.primary {
                LabeledSpan::new_primary_with_span(message, span)
            } else {
                LabeledSpan::new_with_span(message, span)
            }
        })))
    }
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        _after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let (start, end) = (span.offset(), span.offset() + span.len());
        let contents = |span: Range<usize>, line, column| {
            let text = &self.text[span.clone()];
            MietteSpanContents::new_named(
                self.name.clone(),
                text.as_bytes(),
                span.into(),
                line,
                column,
                text.lines().count(),
            )
        };
        let found = if before == 0 {
            let mark = self.marks.iter().find(|mark| mark.span.start == start);
            mark.map(|mark| contents(mark.span.clone(), mark.start.line - 1, mark.start.column - 1))
        } else {
            let holds = |span: &Range<usize>| span.start <= start && end <= span.end;
            let hunk = self.hunks.iter().find(|hunk| holds(&hunk.span));
            hunk.map(|hunk| contents(hunk.span.clone(), hunk.first - 1, 0))
        };
        found.map(|contents| Box::new(contents) as _).ok_or(MietteError::OutOfBounds)
    }
}
