//! Requests as they arrive: CBOR envelopes around a call, a query or a read of the state.
//!
//! They are decoded by hand into the agent's own types, because those, internally tagged, cannot
//! read principals from CBOR; the request id is then the agent's own computation.

use candid::Principal;
use ic_transport_types::{EnvelopeContent, RequestId};
use serde::Deserialize;
use serde_bytes::ByteBuf;

/// A request whose sender is who the key says.
pub(crate) enum Request {
    Call(Invocation),
    Query(Invocation),
    /// Paths in the state tree.
    ReadState(Vec<Vec<Vec<u8>>>),
}

/// A method of a canister, its argument, and who asks.
pub(crate) struct Invocation {
    /// What the certificate will be about.
    pub(crate) id: RequestId,
    pub(crate) sender: Principal,
    pub(crate) canister: Principal,
    pub(crate) method: String,
    pub(crate) arg: Vec<u8>,
}

#[derive(Deserialize)]
struct RawEnvelope {
    content: RawContent,
    sender_pubkey: Option<ByteBuf>,
}

#[derive(Deserialize)]
struct RawContent {
    request_type: String,
    ingress_expiry: u64,
    sender: ByteBuf,
    nonce: Option<ByteBuf>,
    canister_id: Option<ByteBuf>,
    method_name: Option<String>,
    arg: Option<ByteBuf>,
    paths: Option<Vec<Vec<ByteBuf>>>,
}

impl Request {
    /// Reads an envelope; the error is for the body of an HTTP 400.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let raw: RawEnvelope = serde_cbor::from_slice(bytes).map_err(|error| error.to_string())?;
        let sender = principal(&raw.content.sender)?;
        check_sender(sender, raw.sender_pubkey.as_deref().map(Vec::as_slice))?;
        let call = raw.content.request_type == "call";
        match raw.content.request_type.as_str() {
            "call" | "query" => {
                let content = raw.content.invocation(sender, call)?;
                Self::of(content).ok_or_else(|| "not an invocation".to_owned())
            }
            "read_state" => {
                let paths = raw.content.paths.ok_or("no paths")?;
                let bytes = |path: Vec<ByteBuf>| path.into_iter().map(ByteBuf::into_vec).collect();
                Ok(Self::ReadState(paths.into_iter().map(bytes).collect()))
            }
            other => Err(format!("unknown request type {other:?}")),
        }
    }

    fn of(content: EnvelopeContent) -> Option<Self> {
        let id = content.to_request_id();
        let call = matches!(content, EnvelopeContent::Call { .. });
        let (EnvelopeContent::Call { sender, canister_id, method_name, arg, .. }
        | EnvelopeContent::Query { sender, canister_id, method_name, arg, .. }) = content
        else {
            return None;
        };
        let invocation = Invocation { id, sender, canister: canister_id, method: method_name, arg };
        Some(if call { Self::Call(invocation) } else { Self::Query(invocation) })
    }
}

impl RawContent {
    /// The agent's own type, which knows how to compute the request id.
    fn invocation(self, sender: Principal, call: bool) -> Result<EnvelopeContent, String> {
        let canister_id = principal(&self.canister_id.ok_or("no canister_id")?)?;
        let method_name = self.method_name.ok_or("no method_name")?;
        let arg = self.arg.ok_or("no arg")?.into_vec();
        let nonce = self.nonce.map(ByteBuf::into_vec);
        let ingress_expiry = self.ingress_expiry;
        Ok(if call {
            EnvelopeContent::Call { nonce, ingress_expiry, sender, canister_id, method_name, arg, sender_info: None }
        } else {
            EnvelopeContent::Query { ingress_expiry, sender, canister_id, method_name, arg, nonce, sender_info: None }
        })
    }
}

/// The signature is taken on trust; that the key makes the principal is not.
fn check_sender(sender: Principal, key: Option<&[u8]>) -> Result<(), String> {
    match key {
        None if sender == Principal::anonymous() => Ok(()),
        Some(key) if sender == Principal::self_authenticating(key) => Ok(()),
        None | Some(_) => Err(format!("the key does not belong to the sender {sender}")),
    }
}

fn principal(bytes: &[u8]) -> Result<Principal, String> {
    Principal::try_from_slice(bytes).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::Request;

    #[test]
    fn garbage_is_an_error_and_nothing_worse() {
        for bytes in [&b""[..], b"\xff", b"\xa0", b"hello", b"\xd9\xd9\xf7\xa1\x67content\xa0"] {
            assert!(Request::parse(bytes).is_err());
        }
    }
}
