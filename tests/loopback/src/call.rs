//! A call as the fleet sees it, whoever passed it on.

use candid::Principal;
use ic_management_canister_types::CanisterIdRecord;
use ic_transport_types::RequestId;

use crate::{application::ProxyArgs, command::decode, envelope::Invocation};

/// A call, after the proxy that it may have gone through.
pub(crate) struct Call {
    pub(crate) id: RequestId,
    pub(crate) caller: Principal,
    pub(crate) via: Option<Principal>,
    /// Whether it is a method of `aaaaa-aa`; `canister` is then the one that it is about.
    pub(crate) management: bool,
    pub(crate) canister: Principal,
    pub(crate) method: String,
    pub(crate) arg: Vec<u8>,
}

impl Call {
    /// `effective` is the canister in the URL.
    pub(crate) fn new(effective: Principal, invocation: Invocation) -> Self {
        let (id, caller) = (invocation.id, invocation.sender);
        let proxied = (invocation.method == "proxy").then(|| decode::<ProxyArgs>(&invocation.arg).ok()).flatten();
        let (via, target, method, arg) = match proxied {
            Some(args) => (Some(invocation.canister), args.canister_id, args.method, args.args),
            None => (None, invocation.canister, invocation.method, invocation.arg),
        };
        let management = target == Principal::management_canister();
        let canister = match (management, via) {
            (false, _) => target,
            (true, None) => effective,
            (true, Some(_)) => decode::<CanisterIdRecord>(&arg).map_or(target, |record| record.canister_id),
        };
        Self { id, caller, via, management, canister, method, arg }
    }
}
