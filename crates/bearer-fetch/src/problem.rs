use serde::Deserialize;

/// What a server said of an error in `application/problem+json` (RFC 9457).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Problem {
    /// A URI that names the kind of problem.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// A short sentence for the kind of problem.
    pub title: Option<String>,
    /// A sentence for this occurrence.
    pub detail: Option<String>,
    /// A code for programs.
    pub reason: Option<String>,
}

/// How much of an error's body is kept.
const BODY_KEPT: usize = 2048;

impl Problem {
    pub(crate) fn read(content_type: &str, body: &str) -> Option<Self> {
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        let is_json = essence.eq_ignore_ascii_case("application/problem+json")
            || essence.eq_ignore_ascii_case("application/json");
        if is_json { serde_json::from_str(body).ok() } else { None }
    }
}

/// What is worth keeping of an error's body: its first 2 kB, and nothing of a page of HTML, which no
/// person should be shown as a message.
pub(crate) fn excerpt(content_type: &str, body: &str) -> Option<String> {
    let start = body.trim_start();
    let is_html = content_type.to_ascii_lowercase().contains("html") || start.starts_with('<');
    if start.is_empty() || is_html {
        return None;
    }
    let end = (0..=BODY_KEPT.min(start.len())).rev().find(|end| start.is_char_boundary(*end))?;
    start.get(..end).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_problem_json_only_where_it_says_so() {
        let body = r#"{"type":"about:blank","title":"No","reason":"token-expired","status":401,"more":{}}"#;
        let problem = Problem::read("Application/Problem+JSON; charset=utf-8", body).unwrap();
        assert_eq!(problem.reason.as_deref(), Some("token-expired"));
        assert_eq!(Problem::read("text/plain", body), None);
        assert_eq!(Problem::read("application/problem+json", "[1]"), None);
    }

    #[test]
    fn keeps_two_kilobytes_of_text_and_no_html() {
        assert_eq!(excerpt("text/html", "sorry"), None);
        assert_eq!(excerpt("text/plain", "  <!doctype html>"), None);
        assert_eq!(excerpt("text/plain", " \n"), None);
        assert_eq!(excerpt("", "ä".repeat(3000).as_str()).unwrap().len(), 2048);
        assert_eq!(excerpt("", &format!("a{}", "ä".repeat(3000))).unwrap().len(), 2047);
    }
}
