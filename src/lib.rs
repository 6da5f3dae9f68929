//! Restores fleets of Internet Computer canisters from snapshots.
//!
//!

pub mod artifact;
pub mod diagnostic;
pub mod id;
pub mod json;
