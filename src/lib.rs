//! Restores fleets of Internet Computer canisters from snapshots.
//!
//! The passes, each with what it yields:
//!
//! 1. [`plan`]: TOML text → [`plan::Plan`], or every [`diagnostic::Diagnostic`] of the text at once;
//! 2. [`operation`]: plan → [`operation::Operations`], in order, each knowing what it waits for;
//! 3. [`journal`]: operations and events → what has happened; the only truth, on disk before and after every effect;
//! 4. [`runner`]: picks what is ready, claims it, lets [`icp`] act, records the receipt, settles what is unknown;
//! 5. [`report`]: a journal → what people and machines are to know of it;
//! 6. [`cli`]: the verbs; the only room that prints and knows exit codes.
//!
//! Beside them: [`artifact`] (snapshots on disk), [`init`] (first plans), [`canic`] (the ancestor's files) and [`adopt`] (its
//! restores), [`simulate`] (a fleet without a network), [`id`] and [`json`].

pub mod adopt;
pub mod artifact;
pub mod canic;
pub mod cli;
pub mod diagnostic;
pub mod events;
pub mod icp;
pub mod id;
pub mod init;
pub mod journal;
pub mod json;
mod markdown;
pub mod operation;
mod parallel;
pub mod plan;
pub mod preflight;
pub mod report;
pub mod review;
pub mod rollback;
pub mod runner;
pub mod simulate;
