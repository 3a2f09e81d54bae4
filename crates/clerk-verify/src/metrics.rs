use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use clerk_core::TokenKind;

/// Whatever else is counted would be a label that a client can choose.
const RESULTS: [&str; 18] = [
    "ok",
    "token-invalid",
    "token-type-mismatch",
    "token-invalid-algorithm",
    "jwk-kid-mismatch",
    "token-invalid-signature",
    "token-verification-failed",
    "token-invalid-authorized-parties",
    "token-invalid-issuer",
    "token-expired",
    "token-not-active-yet",
    "token-iat-in-the-future",
    "session-pending",
    "jwk-remote-failed-to-load",
    "jwk-remote-invalid",
    "unexpected-error",
    "secret-key-invalid",
    "other",
];

/// `unknown` is what was refused before its kind was told.
const KINDS: [&str; 6] = ["session_token", "oauth_token", "m2m_token", "api_key", "template", "unknown"];

/// How often each verdict was reached.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    counts: [[AtomicU64; RESULTS.len()]; KINDS.len()],
}

impl Counters {
    pub(crate) fn count(&self, kind: Option<TokenKind>, result: &str) {
        let kind = kind.map_or("unknown", name);
        let kind = KINDS.iter().position(|name| *name == kind).unwrap_or(KINDS.len() - 1);
        let result = RESULTS.iter().position(|name| *name == result).unwrap_or(RESULTS.len() - 1);
        if let Some(count) = self.counts.get(kind).and_then(|counts| counts.get(result)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn render(&self) -> String {
        let mut text = head("clerk_verify_tokens_total", "counter", "Tokens verified, by verdict.");
        for (kind, counts) in KINDS.iter().zip(&self.counts) {
            for (result, count) in RESULTS.iter().zip(counts) {
                let count = count.load(Ordering::Relaxed);
                if count > 0 {
                    line(
                        &mut text,
                        "clerk_verify_tokens_total",
                        &[("kind", kind), ("result", result)],
                        count,
                    );
                }
            }
        }
        text
    }
}

/// The kind as Clerk's SDKs call it.
pub(crate) fn name(kind: TokenKind) -> &'static str {
    match kind {
        TokenKind::Session => "session_token",
        TokenKind::OAuth => "oauth_token",
        TokenKind::M2M => "m2m_token",
        TokenKind::ApiKey => "api_key",
        TokenKind::Template => "template",
        _ => "unknown",
    }
}

pub(crate) fn head(name: &str, kind: &str, help: &str) -> String {
    format!("# HELP {name} {help}\n# TYPE {name} {kind}\n")
}

pub(crate) fn line(text: &mut String, name: &str, labels: &[(&str, &str)], value: u64) {
    let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
    let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
    // Writing into a String cannot fail.
    let _ = writeln!(text, "{name}{labels} {value}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_are_counted_by_kind() {
        let counters = Counters::default();
        counters.count(Some(TokenKind::OAuth), "ok");
        counters.count(Some(TokenKind::OAuth), "ok");
        counters.count(None, "token-expired");
        counters.count(None, "something-new");
        let text = counters.render();
        assert!(text.starts_with("# HELP clerk_verify_tokens_total "));
        for line in [
            r#"clerk_verify_tokens_total{kind="oauth_token",result="ok"} 2"#,
            r#"clerk_verify_tokens_total{kind="unknown",result="token-expired"} 1"#,
            r#"clerk_verify_tokens_total{kind="unknown",result="other"} 1"#,
        ] {
            assert!(text.lines().any(|other| other == line), "{text}");
        }
        assert_eq!(text.lines().count(), 5, "only what was seen: {text}");
    }
}
