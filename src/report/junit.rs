//! A report for CI servers: a suite a phase, a case an operation, attempts before the last as flaky or rerun.

use std::time::Duration;

use quick_junit::{NonSuccessKind, SerializeError, TestCase, TestCaseStatus, TestRerun, TestSuite};

use super::{Attempt, Line, Report, Status, phase};
use crate::diagnostic::display::printable;

/// Renders a report.
///
/// # Errors
/// As quick-junit: for no text of ours.
pub fn render(report: &Report) -> Result<String, SerializeError> {
    let mut document = quick_junit::Report::new(format!("icp-restore {}", report.plan.name));
    document.set_time(time(report.until.duration_since(report.began)));
    let mut suites: Vec<TestSuite> = Vec::new();
    for line in &report.operations {
        let name = phase(line.operation.kind);
        if suites.iter().all(|suite| suite.name.as_str() != name) {
            let mut suite = TestSuite::new(name);
            suite.add_property(("plan", report.plan.name.as_str()));
            suite.add_property(("digest", report.plan.digest.to_string().as_str()));
            suites.push(suite);
        }
        if let Some(suite) = suites.iter_mut().find(|suite| suite.name.as_str() == name) {
            suite.add_test_case(case(line, report));
        }
    }
    document.add_test_suites(suites);
    document.to_string()
}

fn case(line: &Line, report: &Report) -> TestCase {
    let operation = &line.operation;
    let message = printable(line.message.as_deref().unwrap_or_default());
    let mut status = match line.status {
        Status::Completed => TestCaseStatus::success(),
        Status::Failed => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Status::Unknown => TestCaseStatus::non_success(NonSuccessKind::Error),
        Status::Open | Status::Claimed => TestCaseStatus::skipped(),
    };
    match line.status {
        Status::Completed => {}
        Status::Failed | Status::Unknown => {
            status.set_type(line.status.as_str());
            status.set_message(message);
        }
        Status::Open => {
            status.set_message("not begun");
        }
        Status::Claimed => {
            status.set_message("at work");
        }
    }
    let (last, before) = match line.attempts.split_last() {
        Some((last, before)) => (Some(last), before),
        None => (None, [].as_slice()),
    };
    if !matches!(line.status, Status::Open | Status::Claimed) {
        status.add_reruns(before.iter().map(rerun));
    }
    let mut case = TestCase::new(format!("{} {}", operation.kind, operation.member), status);
    case.set_classname(format!("{}.{}", report.plan.name, operation.member));
    case.add_property(("sequence", operation.sequence.to_string().as_str()));
    case.add_property(("target", operation.target.to_string().as_str()));
    if let Some(last) = last {
        case.set_time(last.time().map_or(Duration::ZERO, time));
        let said: Vec<String> = last.said().map(printable).collect();
        let printed = [said.join("\n"), last.stderr.text.clone()].join("\n");
        if !printed.trim().is_empty() {
            case.set_system_err_lossy(printed.trim());
        }
        if !last.stdout.is_empty() {
            case.set_system_out_lossy(&last.stdout.text);
        }
    }
    case
}

fn rerun(attempt: &Attempt) -> TestRerun {
    let mut rerun = TestRerun::new(NonSuccessKind::Failure);
    rerun.set_type(attempt.end.as_str());
    rerun.set_message(printable(&attempt.said().collect::<Vec<_>>().join("; ")));
    rerun.set_time(attempt.time().map_or(Duration::ZERO, time));
    if !attempt.stderr.is_empty() {
        rerun.set_system_err_lossy(&attempt.stderr.text);
    }
    rerun
}

fn time(span: jiff::SignedDuration) -> Duration {
    Duration::try_from(span).unwrap_or(Duration::ZERO)
}
