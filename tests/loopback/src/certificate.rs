//! Certificates: a hash tree, and the root key's signature over it.
//!
//! Nothing is ever pruned and siblings stand in byte order, so that what is absent is provably
//! absent. There is no delegation: the root key signs everything, and the agent then does not look
//! at canister ranges.

use std::collections::BTreeMap;

use ic_certification::{
    Certificate, HashTree,
    hash_tree::{empty, fork, label, leaf},
};
use ic_transport_types::RequestId;
use ic_verify_bls_signature::PrivateKey;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::{log::now_nanos, world::RequestStatus};

/// The head of every DER-encoded BLS key of the Internet Computer.
const DER_HEAD: [u8; 37] = [
    0x30, 0x81, 0x82, 0x30, 0x1d, 0x06, 0x0d, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0xdc, 0x7c, 0x05, 0x03, 0x01, 0x02,
    0x01, 0x06, 0x0c, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0xdc, 0x7c, 0x05, 0x03, 0x02, 0x01, 0x03, 0x61, 0x00,
];

/// The state tree while it is built; siblings sort themselves.
#[derive(Default)]
pub(crate) struct Tree(Node);

enum Node {
    Branch(BTreeMap<Vec<u8>, Self>),
    Leaf(Vec<u8>),
}

impl Default for Node {
    fn default() -> Self {
        Self::Branch(BTreeMap::new())
    }
}

impl Tree {
    /// A tree with `/time`, which every certificate has to have.
    pub(crate) fn now() -> Self {
        let mut tree = Self::default();
        tree.insert(&[b"time"], leb128(now_nanos()));
        tree
    }

    /// Puts a value at a path; a leaf on the way there is replaced.
    pub(crate) fn insert(&mut self, path: &[&[u8]], value: Vec<u8>) {
        let mut node = &mut self.0;
        for step in path {
            if let Node::Leaf(_) = node {
                *node = Node::default();
            }
            let Node::Branch(children) = node else {
                return;
            };
            node = children.entry(step.to_vec()).or_default();
        }
        *node = Node::Leaf(value);
    }

    /// Puts what is known of a request at its place; of an unknown one, nothing.
    pub(crate) fn insert_request(&mut self, id: &RequestId, status: Option<&RequestStatus>) {
        let mut put = |name: &[u8], value: Vec<u8>| {
            self.insert(&[b"request_status", id.as_slice(), name], value);
        };
        match status {
            None => {}
            Some(RequestStatus::Processing) => put(b"status", b"processing".to_vec()),
            Some(RequestStatus::Replied(reply)) => {
                put(b"status", b"replied".to_vec());
                put(b"reply", reply.clone());
            }
            Some(RequestStatus::Rejected(reject)) => {
                put(b"status", b"rejected".to_vec());
                put(b"reject_code", leb128(reject.reject_code() as u64));
                put(b"reject_message", reject.message.clone().into_bytes());
                if let Some(code) = &reject.error_code {
                    put(b"error_code", code.clone().into_bytes());
                }
            }
        }
    }
}

impl From<Node> for HashTree {
    fn from(node: Node) -> Self {
        match node {
            Node::Leaf(value) => leaf(value),
            Node::Branch(children) => {
                let labeled = children.into_iter().map(|(name, child)| label(name, Self::from(child))).collect();
                balance(labeled)
            }
        }
    }
}

/// Pairs neighbours until one is left; the order of the leaves stays.
fn balance(mut trees: Vec<HashTree>) -> HashTree {
    while trees.len() > 1 {
        let mut paired = Vec::with_capacity(trees.len().div_ceil(2));
        let mut rest = trees.into_iter();
        while let Some(left) = rest.next() {
            paired.push(match rest.next() {
                Some(right) => fork(left, right),
                None => left,
            });
        }
        trees = paired;
    }
    trees.pop().unwrap_or_else(empty)
}

/// The holder of the root key.
pub(crate) struct Certifier {
    key: PrivateKey,
    root_key: Vec<u8>,
}

impl Certifier {
    /// The same seed gives the same root key.
    pub(crate) fn new(seed: u64) -> Self {
        let mut secret = [0; 32];
        secret.copy_from_slice(&Sha256::digest([&b"loopback"[..], &seed.to_be_bytes()].concat()));
        // Below the order of the group, which starts with 0x73.
        secret[0] &= 0x3f;
        let key = PrivateKey::deserialize(&secret).expect("the number is below the group's order");
        let root_key = [&DER_HEAD[..], &key.public_key().serialize()].concat();
        Self { key, root_key }
    }

    /// DER: 133 bytes.
    pub(crate) fn root_key(&self) -> &[u8] {
        &self.root_key
    }

    /// Signs the tree; the result is CBOR.
    pub(crate) fn certify(&self, tree: Tree) -> Vec<u8> {
        let tree = HashTree::from(tree.0);
        let message = [&b"\x0Dic-state-root"[..], &tree.digest()].concat();
        cbor(&Certificate { tree, signature: self.key.sign(&message).serialize().to_vec(), delegation: None })
    }
}

/// CBOR under the self-describing tag, as the real network writes it.
pub(crate) fn cbor(value: &impl Serialize) -> Vec<u8> {
    let mut serializer = serde_cbor::Serializer::new(Vec::new());
    serializer.self_describe().and_then(|()| value.serialize(&mut serializer)).expect("writing to memory cannot fail");
    serializer.into_inner()
}

fn leb128(number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    leb128::write::unsigned(&mut bytes, number).expect("writing to memory cannot fail");
    bytes
}

#[cfg(test)]
mod tests {
    use ic_certification::{HashTree, LookupResult};

    use super::{Certifier, Tree};

    #[test]
    fn siblings_are_found_and_what_lies_between_them_is_provably_absent() {
        let mut tree = Tree::now();
        for name in ["controllers", "module_hash", "zebra"] {
            tree.insert(&[b"canister", b"\x01", name.as_bytes()], vec![1]);
        }
        let tree = HashTree::from(tree.0);
        let look = |name: &str| tree.lookup_path([&b"canister"[..], b"\x01", name.as_bytes()]);
        assert_eq!(look("module_hash"), LookupResult::Found(&[1]));
        assert_eq!(look("metadata"), LookupResult::Absent);
        assert_eq!(look("aardvark"), LookupResult::Absent);
        assert_eq!(look("zz"), LookupResult::Absent);
    }

    #[test]
    fn the_root_key_has_the_length_that_icp_wants() {
        assert_eq!(hex::encode(Certifier::new(0).root_key()).len(), 266);
        assert_ne!(Certifier::new(0).root_key(), Certifier::new(1).root_key());
    }
}
