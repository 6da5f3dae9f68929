//! What must not be kept: key material, and the values of secrets that a CI job has in its environment.

/// Replaces secrets in texts that outlive a run.
#[derive(Debug, Default)]
pub struct Redactor {
    /// Longest first, so that a secret that contains another is taken whole.
    secrets: Vec<String>,
}

const HIDDEN: &str = "[redacted]";

/// Shorter values are no secrets, and replacing them would garble everything.
const SHORTEST: usize = 6;

impl Redactor {
    /// Hides these values, and all that stands between the marks of a PEM block.
    pub fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        let mut secrets: Vec<String> = secrets.into_iter().filter(|secret| secret.trim().len() >= SHORTEST).collect();
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.dedup();
        Self { secrets }
    }

    /// Hides the values of variables that are named like secrets.
    pub fn from_environment(more: impl IntoIterator<Item = String>) -> Self {
        let named = |name: &str| {
            let name = name.to_ascii_uppercase();
            ["TOKEN", "SECRET", "PASSWORD", "PASSWD", "PRIVATE_KEY", "API_KEY", "CREDENTIAL"]
                .iter()
                .any(|sign| name.contains(sign))
        };
        let secrets =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self::new(secrets.filter(|(name, _)| named(name)).map(|(_, value)| value).chain(more))
    }

    /// The text without secrets.
    pub fn redact(&self, text: &str) -> String {
        let mut text = self.secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret, HIDDEN));
        let mut from = 0;
        while let Some(begin) = text[from..].find("-----BEGIN ").map(|at| from + at) {
            let end = text[begin..].find("-----END ").map_or(text.len(), |at| {
                let end = begin + at;
                text[end..].find('\n').map_or(text.len(), |line| end + line)
            });
            text.replace_range(begin..end, HIDDEN);
            from = begin + HIDDEN.len();
        }
        text
    }
}
