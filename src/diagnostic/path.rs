//! Names of texts as the paths that forges know files by: relative to the root of the repository.

use camino::{Utf8Component, Utf8Path};

/// A name relative to a root; as it is where it is absolute and not below the root.
pub(super) fn relative(name: &str, root: &Utf8Path) -> String {
    let path = Utf8Path::new(name);
    let path = path.strip_prefix(root).unwrap_or(path);
    let parts = path.components().filter(|part| *part != Utf8Component::CurDir);
    let relative = parts.collect::<camino::Utf8PathBuf>().into_string();
    if relative.is_empty() { ".".to_owned() } else { relative }
}

/// A path as a reference of RFC 3986: relative, or of the scheme `file` where it is absolute.
pub(super) fn uri(path: &str) -> String {
    let mut uri = String::new();
    if path.starts_with('/') {
        uri.push_str("file://");
    }
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte));
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}
