//! Restores fleets of Internet Computer canisters from snapshots.
//!
//!

pub mod diagnostic;
pub mod id;
pub mod json;
pub mod simulate;
