//! `icp canister status`: all of it for a controller, a smaller object without `status` for anybody else.

use serde::Serialize;
use serde_json::Value;

use super::{
    Canister, Status, answer,
    command::StatusArgs,
    reject::{CallError, Failure},
    session::Session,
};

/// What `--json` prints, in icp's order.
#[derive(Serialize)]
struct Shown {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    status: Status,
    settings: Settings,
    module_hash: Option<String>,
    memory_size: String,
    cycles: String,
    reserved_cycles: String,
    idle_cycles_burned_per_day: String,
    query_stats: QueryStats,
}

#[derive(Serialize)]
struct Settings {
    controllers: Vec<String>,
    compute_allocation: String,
    memory_allocation: String,
    freezing_threshold: String,
    reserved_cycles_limit: String,
    wasm_memory_limit: String,
    wasm_memory_threshold: String,
    log_memory_limit: String,
    log_visibility: Visibility,
    snapshot_visibility: Visibility,
    status_visibility: Visibility,
    environment_variables: Vec<Variable>,
}

#[derive(Serialize)]
#[serde(tag = "type")]
enum Visibility {
    Controllers,
}

#[derive(Serialize)]
struct Variable {
    name: String,
    value: String,
}

#[derive(Serialize)]
struct QueryStats {
    num_calls_total: String,
    num_instructions_total: String,
    request_payload_bytes_total: String,
    response_payload_bytes_total: String,
}

/// What `--json` prints for those who may not see more.
#[derive(Serialize)]
struct Public {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    controllers: Vec<String>,
    module_hash: Option<String>,
}

/// One object on one line, or some lines for people; without the last line's end.
pub(super) fn show(session: &Session<'_>, args: &StatusArgs) -> Result<String, Failure> {
    let name = session.name.as_ref().map(ToString::to_string);
    if !args.public
        && let Some(state) = full(session)?
    {
        return Ok(match args.json {
            true => answer(&shown(&state, name)),
            false => report(&state, name, true),
        });
    }
    let state = match session.apply("read_state", false, read) {
        Ok(state) => state,
        Err(CallError::Reject(_)) => return Err(not_found(session)),
        Err(error) => return Err(session.failed(&error)),
    };
    if !args.json {
        return Ok(report(&state, name, false));
    }
    Ok(answer(&Public {
        id: state.principal.to_text(),
        name,
        controllers: controllers(&state),
        module_hash: module_hash(&state),
    }))
}

/// What a controller sees; none: the caller is not one.
fn full(session: &Session<'_>) -> Result<Option<Canister>, Failure> {
    let id = session.id();
    match session.effect("canister_status", false, read) {
        Ok(state) => Ok(Some(state)),
        Err(CallError::Reject(reject)) if !session.is_proxied() => match reject.error_code.as_str() {
            "IC0301" => Err(not_found(session)),
            "IC0512" | "IC0541" | "IC0542" => Ok(None),
            code => Err(Failure::new(format!("Error looking up canister {id}: {:?} - {}", Some(code), reject.message))),
        },
        Err(error) => {
            let words = session.chain(&error).swap_remove(0);
            Err(Failure::new(format!("Unknown error fetching canister {id} status: {words}")))
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the form of a call")]
fn read(state: &mut Canister) -> Result<(Canister, Value), super::reject::Reject> {
    Ok((state.clone(), Value::Null))
}

fn shown(state: &Canister, name: Option<String>) -> Shown {
    let own = &state.settings;
    Shown {
        id: state.principal.to_text(),
        name,
        status: state.status,
        settings: Settings {
            controllers: controllers(state),
            compute_allocation: grouped(own.compute_allocation),
            memory_allocation: grouped(own.memory_allocation),
            freezing_threshold: grouped(own.freezing_threshold),
            reserved_cycles_limit: grouped(own.reserved_cycles_limit),
            wasm_memory_limit: grouped(own.wasm_memory_limit),
            wasm_memory_threshold: grouped(own.wasm_memory_threshold),
            log_memory_limit: grouped(own.log_memory_limit),
            log_visibility: Visibility::Controllers,
            snapshot_visibility: Visibility::Controllers,
            status_visibility: Visibility::Controllers,
            environment_variables: own
                .environment_variables
                .iter()
                .map(|(name, value)| Variable { name: name.clone(), value: value.clone() })
                .collect(),
        },
        module_hash: module_hash(state),
        memory_size: grouped(state.memory_size()),
        cycles: grouped(state.cycles),
        reserved_cycles: grouped(0_u64),
        idle_cycles_burned_per_day: grouped(20_000_000_u64),
        query_stats: QueryStats {
            num_calls_total: grouped(0_u64),
            num_instructions_total: grouped(0_u64),
            request_payload_bytes_total: grouped(0_u64),
            response_payload_bytes_total: grouped(0_u64),
        },
    }
}

fn report(state: &Canister, name: Option<String>, full: bool) -> String {
    let own = shown(state, name);
    let mut lines = vec![format!("Canister Id: {}", own.id)];
    lines.extend(own.name.map(|name| format!("Canister Name: {name}")));
    lines.push("Canister Status Report:".to_owned());
    if full {
        lines.push(format!("  Status: {:?}", own.status));
    }
    lines.push("  Controllers:".to_owned());
    let settings = own.settings;
    lines.extend(settings.controllers.iter().map(|controller| format!("    controller: {controller}")));
    let hash = own.module_hash.unwrap_or_else(|| "<none>".to_owned());
    let hash = format!("  Module hash: {hash}");
    if !full {
        lines.push(hash);
        return lines.join("\n");
    }
    for (label, value) in [
        ("Compute allocation", settings.compute_allocation),
        ("Memory allocation", settings.memory_allocation),
        ("Freezing threshold", settings.freezing_threshold),
        ("Reserved cycles limit", settings.reserved_cycles_limit),
        ("Wasm memory limit", settings.wasm_memory_limit),
        ("Wasm memory threshold", settings.wasm_memory_threshold),
        ("Log memory limit", settings.log_memory_limit),
    ] {
        lines.push(format!("  {label}: {value}"));
    }
    for label in ["Log", "Snapshot", "Status"] {
        lines.push(format!("  {label} visibility: Controllers"));
    }
    match settings.environment_variables.as_slice() {
        [] => lines.push("  Environment Variables: N/A".to_owned()),
        variables => {
            lines.push("  Environment Variables:".to_owned());
            lines.extend(variables.iter().map(|Variable { name, value }| format!("    Name: {name}, Value: {value}")));
        }
    }
    lines.push(hash);
    for (label, value) in [
        ("  Memory size", own.memory_size),
        ("  Cycles", own.cycles),
        ("  Reserved cycles", own.reserved_cycles),
        ("  Idle cycles burned per day", own.idle_cycles_burned_per_day),
        ("  Query stats:\n    Calls", own.query_stats.num_calls_total),
        ("    Instructions", own.query_stats.num_instructions_total),
        ("    Req payload bytes", own.query_stats.request_payload_bytes_total),
        ("    Res payload bytes", own.query_stats.response_payload_bytes_total),
    ] {
        lines.push(format!("{label}: {value}"));
    }
    lines.join("\n")
}

fn not_found(session: &Session<'_>) -> Failure {
    Failure::new(format!("Canister {} was not found.", session.id()))
}

fn controllers(state: &Canister) -> Vec<String> {
    state.controllers.iter().map(ToString::to_string).collect()
}

fn module_hash(state: &Canister) -> Option<String> {
    state.module_hash.map(|hash| format!("0x{hash}"))
}

/// A number as Candid writes it: a string with an underscore between thousands.
fn grouped(number: impl Into<u128>) -> String {
    let digits = number.into().to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|group| str::from_utf8(group).ok()).collect();
    groups.join("_")
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_have_underscores() {
        assert_eq!(super::grouped(0_u64), "0");
        assert_eq!(super::grouped(123_u64), "123");
        assert_eq!(super::grouped(20_000_000_u64), "20_000_000");
    }
}
