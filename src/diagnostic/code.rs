//! The codes of diagnostics: one enum, stable over versions, each with a page that `explain` shows.
//!
//! E00xx any file · E01xx the words of a plan · E02xx its meaning · E03xx artifacts · E04xx journals · E05xx manifests
//! and mappings of canic · E06xx journals of canic · E07xx what blocks a run · W0xxx warnings. A code is never given a
//! new meaning; one that is not used any more is not used again.

use super::Severity;

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $code:literal,)+) => {
        /// What kind of problem a diagnostic tells of.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Code {
            /// Every code, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The code as it is shown and searched for.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// One line on what is wrong.
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+).trim_ascii(),)+ }
            }

            /// The page of the code: cause, example, cure. Markdown, as in `docs/codes`.
            pub fn page(self) -> &'static str {
                match self {
                    $(Self::$variant => include_str!(concat!("../../docs/codes/", $code, ".md")),)+
                }
            }
        }
    };
}

codes! {
    /// a file cannot be read
    Unreadable = "E0001",
    /// a file is not UTF-8 text
    NotUtf8 = "E0002",
    /// a file is larger than such a file can be
    TooLarge = "E0003",
    /// a file is of no kind that is known here
    UnknownFile = "E0004",

    /// the text is not TOML
    Syntax = "E0101",
    /// no such key
    UnknownKey = "E0102",
    /// a key is missing
    MissingKey = "E0103",
    /// a value is of the wrong type
    WrongType = "E0104",
    /// a value is none of those that are allowed
    UnknownValue = "E0105",
    /// not the text of a principal
    BadPrincipal = "E0106",
    /// not the id of a snapshot
    BadSnapshotId = "E0107",
    /// not a SHA-256 digest
    BadDigest = "E0108",
    /// not a duration
    BadDuration = "E0109",
    /// not a name
    BadName = "E0110",
    /// a number out of range
    OutOfRange = "E0111",
    /// a text that icp would take for something else, or that cannot be shown
    BadText = "E0112",
    /// keys that exclude each other, or none of which is there
    KeyConflict = "E0113",
    /// not the address of a network
    BadUrl = "E0114",
    /// not a root key
    BadRootKey = "E0115",
    /// a version of the format that this program does not know
    UnknownVersion = "E0116",

    /// a name is used twice
    DuplicateName = "E0201",
    /// two members restore the same canister
    DuplicateTarget = "E0202",
    /// another canister than the source, without consent
    Relocation = "E0203",
    /// no such member
    UnknownMember = "E0204",
    /// members depend on each other in a ring
    Cycle = "E0205",
    /// a path leaves the backup
    PathEscape = "E0206",
    /// a canister that cannot be restored
    NotACanister = "E0207",
    /// a name of a canister where only a principal will do
    TargetName = "E0208",

    /// an artifact is not there
    ArtifactMissing = "E0301",
    /// an artifact is not the one that was sealed
    ChecksumMismatch = "E0302",
    /// an artifact holds a link, a device or a name that cannot be sealed
    ArtifactEntry = "E0303",
    /// the metadata of an artifact cannot be read
    BadMetadata = "E0304",
    /// a blob of an artifact has not the size that its metadata says
    BlobSize = "E0305",
    /// a chunk of an artifact has not the hash that its name says
    ChunkName = "E0306",

    /// a line of a journal is no event
    JournalLine = "E0401",
    /// the lines of a journal do not follow each other
    JournalChain = "E0402",
    /// a line of a journal was changed
    JournalSum = "E0403",
    /// a journal of a newer format
    JournalVersion = "E0404",
    /// a journal does not begin as one
    JournalStart = "E0405",
    /// an event of an operation that there is not
    JournalOperation = "E0406",
    /// an attempt that is stale, repeated or was never claimed
    Attempt = "E0407",
    /// an operation is claimed before it is ready, or once more
    ClaimOutOfOrder = "E0408",
    /// a receipt is missing
    ReceiptMissing = "E0409",
    /// a receipt without a claim
    ReceiptWithoutClaim = "E0410",
    /// a receipt of something else
    ReceiptMismatch = "E0411",
    /// an outcome that contradicts how the command ended
    OutcomeMismatch = "E0412",
    /// a load of another snapshot than the one that was uploaded for it
    ForeignLoad = "E0413",
    /// times run backwards
    TimeBackwards = "E0414",
    /// a digest that is not the plan's
    PlanDigest = "E0415",
    /// operations that are not the plan's
    JournalOperations = "E0416",
    /// a receipt lacks what its operation makes
    ReceiptField = "E0417",

    /// no safety snapshots
    SafetyOff = "W0101",
    /// cleanup of nothing
    CleanupOfNothing = "W0102",
    /// no application check
    NoChecks = "W0103",
    /// a module hash that nothing can be compared with
    NoModuleHash = "W0104",
    /// the id of a snapshot that seems to be another canister's
    ForeignSnapshot = "W0105",
    /// uploads that need more memory than there is
    MemoryLimit = "W0106",
    /// artifacts that are not here
    ArtifactsAbsent = "W0301",
    /// an operation whose outcome is not known yet
    OutcomeOpen = "W0401",
    /// a last line that was not written to its end
    TornLine = "W0402",
}

impl Code {
    /// How much problems of this kind weigh: codes with `W` warn.
    pub fn severity(self) -> Severity {
        if self.as_str().starts_with('W') { Severity::Warning } else { Severity::Error }
    }

    /// The code of a text such as `E0102`, in either case.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str().eq_ignore_ascii_case(text))
    }
}
