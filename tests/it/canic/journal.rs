//! Journals, their status and their locks.
