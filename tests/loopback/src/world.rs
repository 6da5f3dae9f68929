//! The state behind the interface: canisters, what became of requests, faults, the log.
//!
//! One lock guards all of it, so the log's order is the order of the effects.

use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    io::Write,
    time::Instant,
};

use candid::Principal;
use ic_transport_types::RequestId;

use crate::{
    Applied, CanisterSpec, CanisterState, Detail, Method, Options, Outcome, Reject, Status,
    application::{ProxyError, ProxyResult},
    call::Call,
    canister::Waiter,
    command::{Command, mutates},
    fault::Faults,
    log::now_nanos,
    management::{self, Effect},
};

/// The fleet, by principal.
pub(crate) type Canisters = BTreeMap<Principal, CanisterState>;

/// What the network knows of a request.
#[derive(Debug, Clone)]
pub(crate) enum RequestStatus {
    Processing,
    Replied(Vec<u8>),
    Rejected(Reject),
}

/// What a call is answered with.
pub(crate) enum Answer {
    /// At the door, without a certificate.
    Refused(Reject),
    Status(RequestStatus),
}

/// Everything that a network remembers.
pub(crate) struct World {
    pub(crate) canisters: Canisters,
    pub(crate) faults: Faults,
    pub(crate) log: Vec<Applied>,
    pub(crate) sink: Option<File>,
    options: Options,
    requests: HashMap<RequestId, RequestStatus>,
    next_canister: u64,
}

impl World {
    pub(crate) fn new(options: Options) -> Self {
        Self {
            canisters: Canisters::new(),
            faults: Faults::default(),
            log: Vec::new(),
            sink: None,
            options,
            requests: HashMap::new(),
            next_canister: 0x0999_0000,
        }
    }

    pub(crate) fn create_canister(&mut self, spec: CanisterSpec) -> Principal {
        let id = spec.id.unwrap_or_else(|| self.new_canister_id());
        self.canisters.insert(id, CanisterState::new(id, spec));
        id
    }

    /// What became of a request, stops that have ended meanwhile included.
    pub(crate) fn request(&mut self, id: &RequestId) -> Option<&RequestStatus> {
        self.settle();
        self.requests.get(id)
    }

    /// Performs a call, unless the very same request was performed before.
    pub(crate) fn answer(&mut self, call: &Call) -> Answer {
        self.settle();
        if let Some(status) = self.requests.get(&call.id) {
            return Answer::Status(status.clone());
        }
        let mut applied = self.entry(call);
        if let Err(reject) = self.door(call) {
            applied.outcome = Outcome::from(&reject);
            self.record(applied);
            return Answer::Refused(reject);
        }
        let status = self.perform(call, &mut applied);
        let keep = applied.mutates;
        self.record(applied);
        if keep {
            self.requests.insert(call.id, status.clone());
        }
        Answer::Status(status)
    }

    /// Refuses a call in place of performing it.
    pub(crate) fn refuse(&mut self, call: &Call, reject: Reject) -> Answer {
        let mut applied = self.entry(call);
        applied.outcome = Outcome::from(&reject);
        self.record(applied);
        let status = finished(call.via.is_some(), Err(reject));
        self.requests.insert(call.id, status.clone());
        Answer::Status(status)
    }

    /// Keeps an answer that will be asked for by polling.
    pub(crate) fn remember(&mut self, id: RequestId, status: RequestStatus) {
        self.requests.insert(id, status);
    }

    /// Answers a query of an application method.
    pub(crate) fn query(&mut self, call: &Call) -> Result<Vec<u8>, Reject> {
        self.settle();
        let mut applied = self.entry(call);
        let result = match self.canisters.get_mut(&call.canister) {
            _ if call.management => Err(Reject::no_management_method(&call.method)),
            None => Err(Reject::no_canister(call.canister)),
            Some(canister) => canister.respond(&call.method, true),
        };
        if let Err(reject) = &result {
            applied.outcome = Outcome::from(reject);
        }
        self.record(applied);
        result
    }

    /// Ends the stops whose time has come, and tells those who wait for them.
    pub(crate) fn settle(&mut self) {
        let now = Instant::now();
        for canister in self.canisters.values_mut() {
            if canister.stops_at.is_some_and(|at| at <= now) {
                canister.set_status(Status::Stopped);
            }
            let result = match canister.status {
                Status::Stopping => continue,
                Status::Stopped => Ok(()),
                Status::Running => Err(Reject::stop_cancelled(canister.id)),
            };
            for waiter in canister.stop_waiters.drain(..) {
                let result = result.clone().map(|()| management::unit());
                let status = finished(waiter.proxied, result);
                self.requests.insert(waiter.request, status);
            }
        }
    }

    /// What is refused without a certificate.
    fn door(&self, call: &Call) -> Result<(), Reject> {
        let id = call.via.unwrap_or(call.canister);
        let canister = self.canisters.get(&id).ok_or(Reject::no_canister(id))?;
        let direct = call.management && call.via.is_none();
        if direct && !canister.controllers.contains(&call.caller) {
            return Err(Reject::not_controller(id, call.caller));
        }
        Ok(())
    }

    fn perform(&mut self, call: &Call, applied: &mut Applied) -> RequestStatus {
        if let Some(proxy) = call.via.and_then(|id| self.canisters.get(&id)) {
            match proxy.check_proxy(call.caller) {
                Ok(true) => {}
                Ok(false) => {
                    applied.outcome = Outcome::from(&Reject::not_controller(proxy.id, call.caller));
                    let result = ProxyResult::Err(ProxyError::UnauthorizedUser);
                    return RequestStatus::Replied(result.encode());
                }
                Err(reject) => {
                    applied.outcome = Outcome::from(&reject);
                    return RequestStatus::Rejected(reject);
                }
            }
        }
        let proxied = call.via.is_some();
        let result = if call.management { self.manage(call, applied) } else { self.apply(call) };
        match result {
            Ok(Effect::Wait) => {
                applied.outcome = Outcome::Pending;
                RequestStatus::Processing
            }
            Ok(Effect::Reply { bytes, created }) => {
                applied.detail.snapshot = created.or(applied.detail.snapshot.take());
                finished(proxied, Ok(bytes))
            }
            Err(reject) => {
                applied.outcome = Outcome::from(&reject);
                finished(proxied, Err(reject))
            }
        }
    }

    fn manage(&mut self, call: &Call, applied: &mut Applied) -> Result<Effect, Reject> {
        let command = Command::decode(&call.method, &call.arg)?;
        applied.detail = command.detail();
        if command.canister != call.canister {
            return Err(Reject::bad_argument("the URL names another canister"));
        }
        let waiter = Waiter { request: call.id, proxied: call.via.is_some() };
        let caller = call.via.unwrap_or(call.caller);
        management::perform(&mut self.canisters, &self.options, caller, command, waiter)
    }

    fn apply(&mut self, call: &Call) -> Result<Effect, Reject> {
        let canister = self.canisters.get_mut(&call.canister).ok_or(Reject::no_canister(call.canister))?;
        let bytes = canister.respond(&call.method, false)?;
        Ok(Effect::Reply { bytes, created: None })
    }

    /// The log's line for a call, as if all went well.
    fn entry(&self, call: &Call) -> Applied {
        let canister = self.canisters.get(&call.canister);
        let method = canister.and_then(|found| found.methods.get(&call.method));
        Applied {
            sequence: 0,
            at: now_nanos(),
            canister: call.canister,
            method: call.method.clone(),
            mutates: if call.management { mutates(&call.method) } else { method.is_some_and(Method::mutates) },
            detail: Detail::default(),
            status_before: canister.map(|found| found.status),
            caller: call.caller,
            via: call.via,
            outcome: Outcome::Replied,
        }
    }

    fn record(&mut self, mut applied: Applied) {
        applied.sequence = self.log.len() as u64;
        if let Some(sink) = &mut self.sink
            && let Ok(line) = serde_json::to_string(&applied)
        {
            // A log that cannot be written must not stop the network.
            sink.write_all((line + "\n").as_bytes()).ok();
        }
        self.log.push(applied);
    }

    fn new_canister_id(&mut self) -> Principal {
        loop {
            let id = Principal::from_slice(&[&self.next_canister.to_be_bytes()[..], &[0x01, 0x01]].concat());
            self.next_canister += 1;
            if !self.canisters.contains_key(&id) {
                return id;
            }
        }
    }
}

/// A result as the caller gets it, in the proxy's words if it went through one.
fn finished(proxied: bool, result: Result<Vec<u8>, Reject>) -> RequestStatus {
    if proxied {
        return RequestStatus::Replied(ProxyResult::from(result).encode());
    }
    match result {
        Ok(reply) => RequestStatus::Replied(reply),
        Err(reject) => RequestStatus::Rejected(reject),
    }
}
