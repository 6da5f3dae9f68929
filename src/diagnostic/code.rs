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
    /// a file has more mistakes than are looked for
    TooMany = "E0005",

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
    /// a newer version of this program is required
    TooOld = "E0117",

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
    /// an artifact that was not downloaded to its end
    ArtifactUnfinished = "E0307",

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
    /// a claim whose command is of something else
    ClaimMismatch = "E0418",

    /// a manifest or mapping is not JSON
    ManifestSyntax = "E0501",
    /// a value of a manifest or mapping is of the wrong type
    ManifestType = "E0502",
    /// a key of a manifest or mapping is missing
    ManifestMissingKey = "E0503",
    /// a key of a manifest or mapping stands there twice
    ManifestDuplicateKey = "E0504",
    /// a version of the manifest that this program does not know
    ManifestVersion = "E0505",
    /// a text or list of a manifest is empty
    ManifestEmpty = "E0506",
    /// a manifest or mapping has a text that is no principal where one must stand
    ManifestPrincipal = "E0507",
    /// a manifest has a text that is no SHA-256 digest where one must stand
    ManifestHash = "E0508",
    /// a manifest names a hash algorithm other than sha256
    ManifestAlgorithm = "E0509",
    /// the topology changed while the backup was made
    ManifestTopology = "E0510",
    /// a manifest says the same thing twice
    ManifestDuplicate = "E0511",
    /// a role that no member of the manifest has
    ManifestUnknownRole = "E0512",
    /// a role that no backup unit covers
    ManifestCoverage = "E0513",
    /// a subtree unit is not one tree
    ManifestSubtree = "E0514",
    /// a subtree unit leaves a descendant out
    ManifestDescendant = "E0515",
    /// a verification check that canic does not have
    ManifestCheckKind = "E0516",
    /// members of a manifest are each other's parents
    ManifestCycle = "E0517",
    /// a mapping names a canister twice
    MappingDuplicate = "E0520",
    /// a mapping names a source that the manifest does not have
    MappingUnknownSource = "E0521",
    /// a mapping leaves a member out
    MappingMissingSource = "E0522",
    /// a mapping moves a member whose identity is fixed
    MappingFixed = "E0523",
    /// a mapping without the manifest that it belongs to
    MappingAlone = "E0524",

    /// a journal of canic is not JSON
    CanicSyntax = "E0601",
    /// a value of a journal of canic is of the wrong type
    CanicType = "E0602",
    /// a key of a journal of canic is missing
    CanicMissingKey = "E0603",
    /// a key of a journal of canic stands there twice
    CanicDuplicateKey = "E0604",
    /// a version of canic's journal that this program does not know
    CanicVersion = "E0605",
    /// a text of a journal of canic is empty
    CanicEmpty = "E0606",
    /// a count of a journal of canic is not that of its operations
    CanicCount = "E0607",
    /// the operations of a journal of canic are not numbered from 0 without a gap
    CanicSequence = "E0608",
    /// a journal of canic is ready and blocked at once
    CanicReady = "E0609",
    /// a blocked or failed operation of canic gives no reason
    CanicReasonMissing = "E0610",
    /// an operation of canic gives reasons though it is neither blocked nor failed
    CanicReasonStray = "E0611",
    /// an operation of canic lacks a field that its kind needs
    CanicKindField = "E0612",
    /// an operation of canic verifies something that canic cannot
    CanicCheckKind = "E0613",
    /// a receipt of canic belongs to no operation
    CanicReceiptOrphan = "E0614",
    /// two receipts of canic are of the same attempt
    CanicReceiptAttempt = "E0615",
    /// a receipt of canic is of something else than its operation
    CanicReceiptMismatch = "E0616",
    /// a receipt of canic lacks a field
    CanicReceiptField = "E0617",
    /// an operation of canic is over but has no receipt
    CanicReceiptMissing = "E0618",
    /// the latest receipt of an operation of canic is stale or mismatched
    CanicReceiptStale = "E0619",
    /// canic restored a canister that the plan does not, or the other way round
    AdoptMember = "E0620",
    /// canic restored something else than the plan says
    AdoptOther = "E0621",
    /// a load of canic was tried, and no safety snapshot was taken before
    AdoptSafety = "E0622",
    /// a canister that canic may have loaded is not stopped
    AdoptOpen = "E0623",
    /// the network does not tell how a canister of canic's journal is
    AdoptSilent = "E0624",

    /// the caller is another principal than the plan expects
    CallerMismatch = "E0701",
    /// no authority over a canister
    NoAuthority = "E0702",
    /// a canister that is not there
    NoCanister = "E0703",
    /// no answer about a canister
    NoAnswer = "E0704",
    /// no room for another snapshot
    NoSlots = "E0705",
    /// too few cycles for what is to be done
    NoCycles = "E0706",
    /// too little memory for an upload
    NoMemory = "E0707",
    /// too little space on the disk
    NoDisk = "E0708",
    /// a snapshot that is not on its canister
    SnapshotGone = "E0709",
    /// controllers or settings that are not what the plan asserts
    SettingsDiffer = "E0710",
    /// another version of icp than the restore was begun with
    IcpChanged = "E0711",
    /// no safety snapshot to go back to
    NoSafety = "E0712",
    /// no journal of uploads where one was named
    ShardMissing = "E0751",
    /// a journal of uploads that belongs to another restore
    ForeignShard = "E0752",
    /// an upload that none of the shards completed
    UploadMissing = "E0753",
    /// an upload that was completed twice
    UploadTwice = "E0754",
    /// an uploaded snapshot that is not on its canister
    UploadGone = "E0755",

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

    /// a principal is not written the way principals are
    CanicSpelling = "W0601",
    /// an uploaded snapshot is not one of the canister that it was uploaded to
    CanicForeignSnapshot = "W0602",
    /// operations of one canister aim at several
    CanicTargets = "W0603",
    /// an operation of canic was done before an earlier one
    CanicOrder = "W0604",
    /// an artifact of a manifest has no checksum
    CanicUnsealed = "W0605",
    /// an artifact path of a manifest leaves the backup
    CanicEscape = "W0606",
    /// a key that canic's formats do not have
    CanicUnknownKey = "W0607",
    /// what canic completed no longer holds and is done again
    AdoptAgain = "W0608",
    /// an upload of canic may have left a snapshot behind
    AdoptLeft = "W0609",

    /// a canister that is stopped already
    AlreadyStopped = "W0701",
    /// a version of icp before 1.0
    OldIcp = "W0702",
    /// what does not travel with a snapshot to another canister
    DoesNotTravel = "W0703",
    /// uploads that do not all fit into memory at once
    UploadsQueue = "W0704",
    /// cycles that cannot be compared with what will be spent
    CyclesUnknown = "W0705",
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
