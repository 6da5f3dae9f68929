//! Restores fleets of Internet Computer canisters from snapshots.
//!
//!

pub mod artifact;
pub mod diagnostic;
pub mod icp;
pub mod id;
pub mod journal;
pub mod json;
pub mod operation;
pub mod plan;
pub mod runner;
