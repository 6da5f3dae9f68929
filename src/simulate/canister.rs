//! `icp canister stop`, `start` and `call`.

use std::{
    thread,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    Canister, Method, Status, What, answer,
    command::CallArgs,
    reject::{CallError, Failure, Reject},
    session::Session,
};

/// Stops the canister and waits until it is stopped.
pub(super) fn stop(session: &Session<'_>) -> Result<String, Failure> {
    let run = || {
        session.before()?;
        session.call("stop_canister", true, |state| {
            begin_stop(state, session.suffers(&What::Stuck));
            Ok(((), Value::Null))
        })?;
        wait_stopped(session)?;
        session.after()?;
        session.answer()
    };
    run().map_err(|error| session.failed(&error))?;
    Ok(String::new())
}

fn begin_stop(state: &mut Canister, stuck: bool) {
    if state.status != Status::Running {
        return;
    }
    let takes = SignedDuration::try_from(state.stop_takes).unwrap_or(SignedDuration::MAX);
    state.status = Status::Stopping;
    state.stops_at = match stuck {
        true => None,
        false => Timestamp::now().checked_add(takes).ok(),
    };
    if !stuck && takes.is_zero() {
        state.set_status(Status::Stopped);
    }
}

fn wait_stopped(session: &Session<'_>) -> Result<(), CallError> {
    let deadline = Instant::now() + session.config.call_timeout;
    let mut pause = Duration::from_millis(5);
    loop {
        match session.fleet.canister(session.id())?.status {
            Status::Stopped => return Ok(()),
            Status::Running => {
                return Err(CallError::Reject(Reject::stop_cancelled(session.id())));
            }
            Status::Stopping if Instant::now() >= deadline => return Err(CallError::TimedOut),
            Status::Stopping => thread::sleep(pause),
        }
        pause = (pause * 2).min(Duration::from_millis(100));
    }
}

/// Starts the canister.
pub(super) fn start(session: &Session<'_>) -> Result<String, Failure> {
    session
        .effect("start_canister", true, |state| {
            state.set_status(Status::Running);
            Ok(((), Value::Null))
        })
        .map_err(|error| session.failed(&error))?;
    Ok(String::new())
}

/// Calls an application method.
pub(super) fn call(session: &Session<'_>, args: &CallArgs) -> Result<String, Failure> {
    let id = session.id();
    let kind = if args.query { "query" } else { "update" };
    let reply = |state: &mut Canister| {
        match state.status {
            Status::Stopped => return Err(Reject::stopped(id)),
            Status::Stopping => return Err(Reject::stopping(id)),
            Status::Running => {}
        }
        match state.methods.get(&args.method) {
            None => Err(Reject::no_method(id, kind, &args.method)),
            Some(Method::Reject(words)) => Err(Reject::method(id, words)),
            Some(Method::Reply(candid)) => Ok((candid.clone(), json!({"args": args.args, "kind": kind}))),
        }
    };
    let run = || {
        session.before()?;
        let candid = session.apply(&args.method, !args.query, reply)?;
        session.after()?;
        session.answer()?;
        Ok(candid)
    };
    let candid = run().map_err(|error| match (&error, args.query) {
        (CallError::Reject(reject), true) => Failure::new(reject.words()),
        _ => session.failed(&error),
    })?;
    if !args.json {
        return Ok(candid + "\n");
    }
    Ok(answer(&Reply { response_bytes: "", response_text: None, response_candid: &candid }))
}

/// What `call --json` prints.
#[derive(Serialize)]
struct Reply<'a> {
    /// Empty, because it would take a Candid encoder, which nothing else here needs.
    response_bytes: &'static str,
    response_text: Option<&'static str>,
    response_candid: &'a str,
}
