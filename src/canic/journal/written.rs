//! Reads the form of a journal: every value of its type, nothing else checked.

use std::ops::Range;

use super::{
    Command, Counts, Journal, Kind, Operation, Outcome, Output, Receipt, State,
    counts::{KINDS, STATES},
};
use crate::{
    canic::reader::{
        Field, Form,
        Need::{Defaulted, Nullable, Required},
        Reader, Spanned, opening,
    },
    diagnostic::Code,
    json::Json,
};

pub(super) const FORM: Form = Form {
    name: "a journal of canic",
    syntax: Code::CanicSyntax,
    kind: Code::CanicType,
    missing: Code::CanicMissingKey,
    duplicate: Code::CanicDuplicateKey,
};

pub(super) fn journal(reader: &mut Reader, json: Json<'_>) -> Option<Journal> {
    let [
        version,
        backup_id,
        ready,
        reasons,
        root,
        count,
        kinds,
        pending,
        waiting,
        blocked,
        completed,
        failed,
        operations,
        receipts,
    ] = reader.fields(
        json,
        [
            ("journal_version", Required),
            ("backup_id", Required),
            ("ready", Required),
            ("blocked_reasons", Required),
            ("backup_root", Defaulted),
            ("operation_count", Required),
            ("operation_counts", Required),
            ("pending_operations", Required),
            ("ready_operations", Required),
            ("blocked_operations", Required),
            ("completed_operations", Required),
            ("failed_operations", Required),
            ("operations", Required),
            ("operation_receipts", Defaulted),
        ],
    )?;
    let absent = reader.absent();
    let version = reader.value(version, "a whole number");
    let backup_id = reader.text(backup_id);
    let ready = reader.value(ready, "true or false");
    let reasons = reader.texts(reasons);
    let root = reader.optional_text(root, &absent);
    let count = reader.count(count);
    let kinds = kinds.and_then(|json| self::kinds(reader, json));
    let states = [pending, waiting, blocked, completed, failed].map(|field| reader.count(field));
    let operations = reader.list(operations, operation);
    let receipts = match receipts {
        None => Some(Spanned::new(Vec::new(), absent)),
        Some(_) => reader.list(receipts, receipt),
    };
    Some(Journal {
        version: version?,
        backup_id: backup_id?,
        ready: ready?,
        blocked_reasons: reasons?,
        backup_root: root?,
        operations: operations?,
        receipts: receipts?,
        counts: Counts { operations: count?, kinds: kinds?, states: all(states)? },
    })
}

fn kinds(reader: &mut Reader, json: Json<'_>) -> Option<[Spanned<usize>; 7]> {
    let fields = reader.fields(
        json,
        [
            ("canister_stops", Defaulted),
            ("canister_starts", Defaulted),
            ("snapshot_uploads", Required),
            ("snapshot_loads", Required),
            ("member_verifications", Required),
            ("fleet_verifications", Required),
            ("verification_operations", Required),
        ],
    )?;
    let absent = reader.absent();
    let [stops, starts, rest @ ..] = fields;
    let [stops, starts] = [stops, starts].map(|field| defaulted(reader, &absent, field));
    let [uploads, loads, members, fleet, verifications] = rest.map(|field| reader.count(field));
    all([stops, starts, uploads, loads, members, fleet, verifications])
}

/// A count that is 0 where it is left out.
fn defaulted(reader: &mut Reader, absent: &Range<usize>, field: Field<'_>) -> Option<Spanned<usize>> {
    match field {
        None => Some(Spanned::new(0, absent.clone())),
        Some(_) => reader.count(field),
    }
}

fn all<T, const N: usize>(values: [Option<T>; N]) -> Option<[T; N]> {
    let values: Option<Vec<T>> = values.into_iter().collect();
    values?.try_into().ok()
}

fn operation(reader: &mut Reader, json: Json<'_>) -> Option<Operation> {
    let [sequence, kind, state, updated_at, reasons, order, source, target, role, snapshot, artifact, verification] =
        reader.fields(
            json,
            [
                ("sequence", Required),
                ("operation", Required),
                ("state", Required),
                ("state_updated_at", Defaulted),
                ("blocking_reasons", Required),
                ("member_order", Required),
                ("source_canister", Required),
                ("target_canister", Required),
                ("role", Required),
                ("snapshot_id", Nullable),
                ("artifact_path", Nullable),
                ("verification_kind", Nullable),
            ],
        )?;
    let absent = reader.absent();
    let (sequence, order) = (reader.count(sequence), reader.count(order));
    let kind = reader.word(kind, &KINDS.map(Kind::as_str));
    let state = reader.word(state, &STATES.map(State::as_str));
    let reasons = reader.texts(reasons);
    let [source, target, role] = [source, target, role].map(|field| reader.text(field));
    let [updated_at, snapshot, artifact, verification] =
        [updated_at, snapshot, artifact, verification].map(|field| reader.optional_text(field, &absent));
    Some(Operation {
        sequence: sequence?,
        kind: kind?,
        state: state?,
        updated_at: updated_at?,
        reasons: reasons?,
        member_order: order?.value,
        source: source?,
        target: target?,
        role: role?,
        snapshot_id: snapshot?,
        artifact: artifact?,
        verification: verification?,
    })
}

fn receipt(reader: &mut Reader, json: Json<'_>) -> Option<Receipt> {
    let [
        sequence,
        kind,
        outcome,
        source,
        target,
        attempt,
        updated_at,
        command,
        status,
        stdout,
        stderr,
        reason,
        snapshot,
        artifact,
        uploaded,
    ] = reader.fields(
        json,
        [
            ("sequence", Required),
            ("operation", Required),
            ("outcome", Defaulted),
            ("source_canister", Required),
            ("target_canister", Required),
            ("attempt", Defaulted),
            ("updated_at", Nullable),
            ("command", Nullable),
            ("status", Nullable),
            ("stdout", Nullable),
            ("stderr", Nullable),
            ("failure_reason", Nullable),
            ("source_snapshot_id", Nullable),
            ("artifact_path", Nullable),
            ("uploaded_snapshot_id", Nullable),
        ],
    )?;
    let absent = reader.absent();
    let sequence = reader.count(sequence);
    let kind = reader.word(kind, &KINDS.map(Kind::as_str));
    let outcome = match outcome {
        None => Some(Spanned::new(Outcome::CommandCompleted, absent.clone())),
        Some(_) => reader.word(outcome, &["command-completed", "command-failed"]),
    };
    let (source, target) = (reader.text(source), reader.text(target));
    let attempt = defaulted(reader, &absent, attempt);
    let command = reader.optional(command, &absent, self::command);
    let [stdout, stderr] = [stdout, stderr].map(|field| reader.optional(field, &absent, output));
    let [updated_at, status, reason, snapshot, artifact, uploaded] =
        [updated_at, status, reason, snapshot, artifact, uploaded].map(|field| reader.optional_text(field, &absent));
    Some(Receipt {
        place: opening(json),
        sequence: sequence?,
        kind: kind?,
        outcome: outcome?,
        source: source?,
        target: target?,
        attempt: attempt?,
        updated_at: updated_at?,
        command: command?,
        status: status?,
        stdout: stdout?,
        stderr: stderr?,
        failure_reason: reason?,
        source_snapshot_id: snapshot?,
        artifact: artifact?,
        uploaded_snapshot_id: uploaded?,
    })
}

fn command(reader: &mut Reader, json: Json<'_>) -> Option<Command> {
    let [program, args, mutates, stopped, note] = reader.fields(
        json,
        [
            ("program", Required),
            ("args", Required),
            ("mutates", Required),
            ("requires_stopped_canister", Required),
            ("note", Required),
        ],
    )?;
    let (program, args) = (reader.text(program), reader.texts(args));
    let [mutates, stopped] = [mutates, stopped].map(|f| reader.value(f, "true or false"));
    let note = reader.text(note);
    Some(Command {
        program: program?,
        args: args?,
        mutates: mutates?.value,
        requires_stopped: stopped?.value,
        note: note?,
    })
}

fn output(reader: &mut Reader, json: Json<'_>) -> Option<Output> {
    let wanted = [("text", Required), ("truncated", Required), ("original_bytes", Required)];
    let [text, truncated, bytes] = reader.fields(json, wanted)?;
    let text = reader.text(text);
    let truncated = reader.value(truncated, "true or false");
    let bytes = reader.count(bytes);
    Some(Output { text: text?.value, truncated: truncated?.value, original_bytes: bytes?.value })
}
