//! Answers to queries and reads of the state: signed by a node, or certified.

use candid::Principal;
use ic_ed25519::PrivateKey;
use ic_transport_types::{NodeSignature, QueryResponse, ReplyResponse, RequestId};
use serde_bytes::ByteBuf;

use crate::{
    Reject,
    certificate::{Certifier, Tree, cbor},
    log::now_nanos,
    world::World,
};

/// The one node of the one subnet, which the root key names.
pub(crate) struct Node {
    key: PrivateKey,
    der: Vec<u8>,
    id: Principal,
    subnet: Principal,
}

impl Node {
    pub(crate) fn new(certifier: &Certifier) -> Self {
        let key = PrivateKey::generate_from_seed(certifier.root_key());
        let der = key.public_key().serialize_rfc8410_der();
        Self {
            id: Principal::self_authenticating(&der),
            subnet: Principal::self_authenticating(certifier.root_key()),
            key,
            der,
        }
    }

    /// The answer to a query, signed; CBOR.
    pub(crate) fn answer(&self, id: RequestId, result: Result<Vec<u8>, Reject>) -> Vec<u8> {
        let mut response = match result {
            Ok(arg) => QueryResponse::Replied { reply: ReplyResponse { arg }, signatures: Vec::new() },
            Err(reject) => QueryResponse::Rejected { reject: reject.response(), signatures: Vec::new() },
        };
        let timestamp = now_nanos();
        let signature = self.key.sign_message(&response.signable(id, timestamp));
        let (QueryResponse::Replied { signatures, .. } | QueryResponse::Rejected { signatures, .. }) = &mut response;
        signatures.push(NodeSignature { timestamp, signature: signature.to_vec(), identity: self.id });
        cbor(&response)
    }

    /// The state that a read is answered with: more than it asks for, so that absence is provable.
    pub(crate) fn state(
        &self,
        world: &mut World,
        effective: Principal,
        paths: &[Vec<Vec<u8>>],
        root_key: &[u8],
    ) -> Tree {
        let mut tree = Tree::now();
        for path in paths {
            if let [head, id, ..] = path.as_slice()
                && head == b"request_status"
                && let Ok(id) = <[u8; 32]>::try_from(id.as_slice())
            {
                let id = RequestId::new(&id);
                tree.insert_request(&id, world.request(&id));
            }
        }
        if let Some(canister) = world.canisters.get(&effective) {
            let bytes: Vec<ByteBuf> =
                canister.controllers.iter().map(|controller| ByteBuf::from(controller.as_slice())).collect();
            let mut put = |name: &[u8], value| {
                tree.insert(&[b"canister", effective.as_slice(), name], value);
            };
            put(b"controllers", cbor(&bytes));
            if let Some(hash) = canister.module_hash() {
                put(b"module_hash", hash);
            }
        }
        self.insert_subnet(&mut tree, root_key);
        tree
    }

    fn insert_subnet(&self, tree: &mut Tree, root_key: &[u8]) {
        let subnet = self.subnet.as_slice();
        let everything =
            [(ByteBuf::from([&[0; 8][..], &[1, 1]].concat()), ByteBuf::from([&[0xff; 8][..], &[1, 1]].concat()))];
        tree.insert(&[b"subnet", subnet, b"canister_ranges"], cbor(&everything));
        tree.insert(&[b"subnet", subnet, b"public_key"], root_key.to_vec());
        tree.insert(&[b"subnet", subnet, b"type"], b"application".to_vec());
        tree.insert(&[b"subnet", subnet, b"node", self.id.as_slice(), b"public_key"], self.der.clone());
    }
}
