//! Manifests and the plans made of them.
