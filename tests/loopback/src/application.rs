//! A canister's own methods, for `icp canister call`: a table of answers in place of code.

use std::collections::VecDeque;

use candid::{CandidType, Nat, Principal, utils::ArgumentEncoder};
use serde::Deserialize;
use serde_bytes::ByteBuf;

use crate::{CanisterState, Reject, Status};

/// What a method answers; nothing of it depends on the argument.
#[derive(Debug, Clone)]
pub enum Response {
    /// Candid.
    Reply(Vec<u8>),
    /// A refusal.
    Reject(Reject),
}

impl Response {
    /// A reply of these values, such as `(true,)`.
    pub fn reply(values: impl ArgumentEncoder) -> Self {
        Self::Reply(candid::encode_args(values).expect("Rust values have a candid form"))
    }

    /// A trap, as a canister whose check goes wrong answers.
    pub fn trap(message: &str) -> Self {
        Self::Reject(Reject::new(5, "IC0503", message))
    }
}

/// An application method.
#[derive(Debug, Clone)]
pub struct Method {
    kind: Kind,
    first: VecDeque<Response>,
    then: Response,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Query,
    Update,
    Proxy,
}

impl Method {
    /// A method that can be queried, and called as well.
    pub fn query(response: Response) -> Self {
        Self::new(Kind::Query, response)
    }

    /// A method that can only be called.
    pub fn update(response: Response) -> Self {
        Self::new(Kind::Update, response)
    }

    /// The method that `icp --proxy` wants, to be named `proxy`: it passes on what the canister's
    /// controllers ask for, in the canister's own name.
    pub fn proxy() -> Self {
        Self::new(Kind::Proxy, Response::reply(()))
    }

    /// Answers so many calls in another way first, such as `("warming",)` three times.
    #[must_use]
    pub fn first(mut self, times: usize, response: &Response) -> Self {
        self.first.extend(std::iter::repeat_n(response.clone(), times));
        self
    }

    /// Whether a call can change anything, as far as the log is concerned.
    pub(crate) fn mutates(&self) -> bool {
        self.kind != Kind::Query
    }

    fn new(kind: Kind, then: Response) -> Self {
        Self { kind, first: VecDeque::new(), then }
    }
}

impl CanisterState {
    /// Answers an application call or query.
    pub(crate) fn respond(&mut self, method: &str, query: bool) -> Result<Vec<u8>, Reject> {
        let id = self.id;
        self.check_answers()?;
        let found = self.methods.get_mut(method);
        let Some(found) = found.filter(|found| !query || found.kind == Kind::Query) else {
            let kind = if query { "query" } else { "update" };
            return Err(Reject::no_method(id, kind, method));
        };
        match found.first.pop_front().unwrap_or(found.then.clone()) {
            Response::Reply(reply) => Ok(reply),
            Response::Reject(reject) => Err(reject),
        }
    }

    /// Whether the canister passes calls on for this caller.
    pub(crate) fn check_proxy(&self, caller: Principal) -> Result<bool, Reject> {
        self.check_answers()?;
        match self.methods.get("proxy") {
            Some(method) if method.kind == Kind::Proxy => Ok(self.controllers.contains(&caller)),
            Some(_) | None => Err(Reject::no_method(self.id, "update", "proxy")),
        }
    }

    fn check_answers(&self) -> Result<(), Reject> {
        match self.status {
            Status::Stopped => Err(Reject::stopped(self.id)),
            Status::Stopping => Err(Reject::stopping(self.id)),
            Status::Running if self.module.is_none() => Err(Reject::no_module(self.id)),
            Status::Running => Ok(()),
        }
    }
}

/// What `icp --proxy` sends to a proxy canister.
#[derive(CandidType, Deserialize)]
pub(crate) struct ProxyArgs {
    pub(crate) canister_id: Principal,
    pub(crate) method: String,
    #[serde(with = "serde_bytes")]
    pub(crate) args: Vec<u8>,
    pub(crate) cycles: Nat,
}

/// What a proxy canister replies.
#[derive(CandidType)]
pub(crate) enum ProxyResult {
    Ok(ProxyOk),
    Err(ProxyError),
}

#[derive(CandidType)]
pub(crate) struct ProxyOk {
    pub(crate) result: ByteBuf,
}

/// `InsufficientCycles`, which real proxies know too, cannot happen here.
#[derive(CandidType)]
pub(crate) enum ProxyError {
    CallFailed { reason: String },
    UnauthorizedUser,
}

impl ProxyResult {
    pub(crate) fn encode(&self) -> Vec<u8> {
        candid::encode_one(self).expect("Rust values have a candid form")
    }
}

impl From<Result<Vec<u8>, Reject>> for ProxyResult {
    /// In the words of a proxy that repeats all of what it was told.
    fn from(result: Result<Vec<u8>, Reject>) -> Self {
        match result {
            Ok(result) => Self::Ok(ProxyOk { result: ByteBuf::from(result) }),
            Err(reject) => {
                let code = reject.error_code.as_deref().unwrap_or("no code");
                let reason = format!("The call was rejected with code {}: {} ({code})", reject.code, reject.message);
                Self::Err(ProxyError::CallFailed { reason })
            }
        }
    }
}
