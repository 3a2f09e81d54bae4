use serde::{Deserialize, Serialize};

/// Why a request failed, as every error of the API says it: `application/problem+json` (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// A URI for this kind of problem; `about:blank` says that `title` and `status` are all there is.
    #[serde(rename = "type", default = "about_blank")]
    pub kind: String,
    /// The status in words.
    pub title: String,
    /// The HTTP status, once more.
    pub status: u16,
    /// One sentence for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// A stable code for programs, such as `token-expired`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

fn about_blank() -> String {
    "about:blank".into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes_and_tolerates_what_is_missing() {
        let problem = Problem {
            kind: about_blank(),
            title: "Not Found".into(),
            status: 404,
            detail: None,
            reason: Some("not-found".into()),
        };
        let text = serde_json::to_string(&problem).unwrap();
        assert_eq!(text, r#"{"type":"about:blank","title":"Not Found","status":404,"reason":"not-found"}"#);
        assert_eq!(serde_json::from_str::<Problem>(&text).unwrap(), problem);
        let sparse: Problem = serde_json::from_str(r#"{"title":"Not Found","status":404}"#).unwrap();
        assert_eq!((sparse.kind.as_str(), sparse.reason), ("about:blank", None));
    }
}
