use serde::{Deserialize, Serialize};

/// A post: what `/posts` is about.
///
/// Its version is the `ETag` of the answer that brought it: `"3"` for version 3. Times are milliseconds since
/// the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Post {
    /// Its name in URLs, `post_…`.
    pub id: String,
    /// Who wrote it, `user_…`.
    pub author_id: String,
    /// The organization it belongs to, `org_…`; absent if it is the author's alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<String>,
    /// Up to 200 characters.
    pub title: String,
    /// Up to 20,000 characters.
    pub body: String,
    /// 1 when it was written, and one more with each edit.
    pub version: i64,
    /// When it was written.
    pub created_at: i64,
    /// When it was last edited.
    pub updated_at: i64,
}

/// What a person writes, for a new post and for an edit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PostDraft {
    /// 1 to 200 characters, not all of them blank.
    pub title: String,
    /// Up to 20,000 characters.
    pub body: String,
}

/// Some posts, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PostPage {
    /// The posts.
    pub posts: Vec<Post>,
    /// What to ask for next, as `?cursor=…`; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// Who the API takes the caller for: `GET /me`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Me {
    /// The person, `user_…`.
    pub user_id: String,
    /// The session, `sess_…`.
    pub session_id: String,
    /// The active organization, `org_…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<String>,
    /// The person's role in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_role: Option<String>,
    /// The person's permissions in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub organization_permissions: Vec<String>,
}

/// Who asked, where that need not be a person: `/reports`, `/machine`, `/admin`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Caller {
    /// `user_…` or `mch_…`.
    pub subject: String,
    /// The token's scopes; none for a person.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_takes_nothing_that_it_does_not_know() {
        let draft = |text| serde_json::from_str::<PostDraft>(text);
        assert!(draft(r#"{"title":"a","body":"b"}"#).is_ok());
        assert!(draft(r#"{"title":"a","body":"b","authorId":"user_2"}"#).is_err());
        assert!(draft(r#"{"title":"a"}"#).is_err());
    }
}
