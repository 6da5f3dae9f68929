//! Identifiers: each is parsed once, where it enters, and is a type from then on.
//!
//! Canister ids are [`Principal`]s of the `ic_principal` crate, whose text form carries a checksum.

use std::{fmt, str::FromStr};

pub use ic_principal::Principal;
use ic_principal::PrincipalError;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A SHA-256 digest, written as 64 hex digits; `sha256:` before them is accepted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of some bytes.
    pub fn of(bytes: impl AsRef<[u8]>) -> Self {
        use sha2::Digest as _;
        Self(sha2::Sha256::digest(bytes).into())
    }
}

/// Why a text is not a [`Digest`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DigestError {
    /// Not 64 digits.
    #[error("{0} characters where SHA-256 has 64 hex digits")]
    Length(usize),
    /// Something that is not a hex digit; the offset is in bytes from the start of the text.
    #[error("`{}` is not a hex digit", .1.escape_debug())]
    Digit(usize, char),
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let digits = text.strip_prefix("sha256:").unwrap_or(text);
        if let Some((at, wrong)) = digits.char_indices().find(|(_, c)| !c.is_ascii_hexdigit()) {
            return Err(DigestError::Digit(text.len() - digits.len() + at, wrong));
        }
        let mut bytes = [0; 32];
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| DigestError::Length(digits.len()))?;
        Ok(Self(bytes))
    }
}

/// What is said of a text that is not a principal: the fact, and what mends it.
pub(crate) fn not_a_principal(text: &str, wrong: &PrincipalError) -> (String, String) {
    let fact = match wrong {
        PrincipalError::AbnormalGrouped(principal) => {
            return ("the groups of a principal are five characters each".to_owned(), format!("write \"{principal}\""));
        }
        PrincipalError::CheckSequenceNotMatch() => "its checksum does not match: a character is mistyped",
        PrincipalError::InvalidBase32() => match odd_character(text) {
            Some(_) => "it has characters that no principal has",
            // The last characters may be of the alphabet, and mean nothing where they stand.
            None if text.contains('-') => "a character is mistyped",
            None => "it is a name",
        },
        PrincipalError::TextTooShort() => "it is too short",
        PrincipalError::TextTooLong() | PrincipalError::BytesTooLong() => "it is too long",
    };
    (format!("not a principal: {fact}"), "copy the principal again from its source".to_owned())
}

/// The first character that no principal has, with its offset in bytes.
pub(crate) fn odd_character(text: &str) -> Option<(usize, char)> {
    text.char_indices().find(|(_, c)| !matches!(c, 'a'..='z' | 'A'..='Z' | '2'..='7' | '-'))
}

/// The id of a snapshot: on the IC, eight bytes of a number that only grows, then the id of the canister that owns it.
///
/// The interface specification calls ids opaque, so another form is a reason to warn and never one to refuse.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SnapshotId(Box<[u8]>);

/// Why a text is not a [`SnapshotId`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SnapshotIdError {
    /// No digits, an odd number of them, or more than 64 bytes' worth.
    #[error("{0} characters where a snapshot id has an even number of hex digits, at most 128")]
    Length(usize),
    /// Something that is not a hex digit, with its offset in bytes.
    #[error("`{}` is not a hex digit", .1.escape_debug())]
    Digit(usize, char),
}

impl SnapshotId {
    /// The canister that owns the snapshot, as far as the id has the form that the replica gives.
    pub fn owner(&self) -> Option<Principal> {
        Principal::try_from(self.0.get(8..)?).ok().filter(|owner| !owner.as_slice().is_empty())
    }

    /// The number of the snapshot on its canister: a later snapshot has a greater one.
    pub fn number(&self) -> Option<u64> {
        Some(u64::from_be_bytes(self.0.get(..8)?.try_into().ok()?))
    }
}

impl FromStr for SnapshotId {
    type Err = SnapshotIdError;

    fn from_str(text: &str) -> Result<Self, SnapshotIdError> {
        if let Some((at, wrong)) = text.char_indices().find(|(_, c)| !c.is_ascii_hexdigit()) {
            return Err(SnapshotIdError::Digit(at, wrong));
        }
        match hex::decode(text) {
            Ok(bytes) if (1..=64).contains(&bytes.len()) => Ok(Self(bytes.into())),
            _ => Err(SnapshotIdError::Length(text.len())),
        }
    }
}

/// A name that people give: of a plan, of a member, of a canister in an icp project.
///
/// It begins with a letter or digit, so nothing takes it for a flag, and is safe in file names, tables and graphs.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(Box<str>);

/// Why a text is not a [`Name`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NameError {
    /// Nothing at all.
    #[error("a name has at least one character")]
    Empty,
    /// More than 100 characters.
    #[error("{0} characters where a name has at most 100")]
    Long(usize),
    /// A character that names do not have, with its offset in bytes.
    #[error("`{}` cannot stand here in a name", .1.escape_debug())]
    Character(usize, char),
}

impl Name {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let allowed = |at, c: char| c.is_ascii_alphanumeric() || (at > 0 && "-_.".contains(c));
        if let Some((at, wrong)) = text.char_indices().find(|&(at, c)| !allowed(at, c)) {
            return Err(NameError::Character(at, wrong));
        }
        match text.len() {
            0 => Err(NameError::Empty),
            1..=100 => Ok(Self(text.into())),
            long => Err(NameError::Long(long)),
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Display for SnapshotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! text_forms {
    ($($id:ident: $error:ident),+) => {$(
        impl fmt::Debug for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{self}")
            }
        }

        impl TryFrom<String> for $id {
            type Error = $error;

            fn try_from(text: String) -> Result<Self, $error> {
                text.parse()
            }
        }

        impl From<$id> for String {
            fn from(id: $id) -> Self {
                id.to_string()
            }
        }
    )+};
}

text_forms!(Digest: DigestError, SnapshotId: SnapshotIdError, Name: NameError);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_id_names_its_canister() {
        let id: SnapshotId = "000000000000000300000000099900000101".parse().unwrap();
        assert_eq!(id.number(), Some(3));
        assert_eq!(id.owner().map(|p| hex::encode(p.as_slice())), Some("00000000099900000101".to_owned()));
        assert_eq!("00".parse::<SnapshotId>().unwrap().owner(), None);
    }

    #[test]
    fn errors_point_at_the_character() {
        assert_eq!("sha256:0g".parse::<Digest>(), Err(DigestError::Digit(8, 'g')));
        assert_eq!("00".parse::<Digest>(), Err(DigestError::Length(2)));
        assert_eq!("-n".parse::<Name>(), Err(NameError::Character(0, '-')));
        assert_eq!("0x1".parse::<SnapshotId>(), Err(SnapshotIdError::Digit(1, 'x')));
    }
}
