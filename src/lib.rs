//! icp-restore.
