//! Posts over HTTP, on a database in a file.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../../clerk-verify/tests/common/mod.rs"]
mod common;
mod support;

use common::{claims, with};
use foo_types::{Me, Post, PostPage};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use support::{Api, refused};

/// Who asks.
#[derive(Clone, Copy)]
enum As {
    Ada,
    Grace,
    /// In an organization, active in the session.
    AdaOfAcme,
    GraceOfAcme,
    GraceOfOther,
}

impl Api {
    fn token(&self, who: As) -> String {
        let member = |user: &str, organization: &str| {
            let mut claims = with("sub", user);
            claims["v"] = json!(2);
            claims["o"] = json!({ "id": organization, "slg": "x", "rol": "member" });
            claims
        };
        let claims = match who {
            As::Ada => claims(),
            As::Grace => with("sub", "user_grace"),
            As::AdaOfAcme => member("user_ada", "org_acme"),
            As::GraceOfAcme => member("user_grace", "org_acme"),
            As::GraceOfOther => member("user_grace", "org_other"),
        };
        self.key.sign(&claims)
    }

    fn request(&self, who: As, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url)).bearer_auth(self.token(who))
    }

    fn post(&self, who: As, draft: &Value) -> RequestBuilder {
        self.request(who, Method::POST, "/posts").json(draft)
    }

    async fn write(&self, who: As, title: &str) -> Post {
        let response = self.post(who, &draft(title)).send().await.unwrap();
        assert_eq!(response.status(), 201);
        response.json().await.unwrap()
    }

    async fn page(&self, who: As, query: &str) -> PostPage {
        let response = self.request(who, Method::GET, &format!("/posts{query}")).send().await.unwrap();
        assert_eq!(response.status(), 200);
        response.json().await.unwrap()
    }

    async fn titles(&self, who: As) -> Vec<String> {
        self.page(who, "?limit=100").await.posts.into_iter().map(|post| post.title).collect()
    }
}

fn draft(title: &str) -> Value {
    json!({ "title": title, "body": "…" })
}

fn etag(response: &Response) -> String {
    response.headers()["etag"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_post_is_written_read_edited_and_deleted() {
    let api = Api::start().await;
    let response = api.post(As::Ada, &draft("First")).send().await.unwrap();
    assert_eq!(response.status(), 201);
    assert_eq!(response.headers()["cache-control"], "private, no-store");
    let (tag, location) = (etag(&response), response.headers()["location"].to_str().unwrap().to_owned());
    let post: Post = response.json().await.unwrap();
    assert_eq!((tag.as_str(), &location), ("\"1\"", &format!("/posts/{}", post.id)));
    assert_eq!((post.author_id.as_str(), post.organization_id.as_deref()), ("user_ada", None));

    let response = api.request(As::Ada, Method::GET, &location).send().await.unwrap();
    assert_eq!((etag(&response), response.json::<Post>().await.unwrap()), (tag.clone(), post.clone()));

    let edit = api.request(As::Ada, Method::PUT, &location).header("if-match", &tag).json(&draft("Second"));
    let response = edit.send().await.unwrap();
    assert_eq!((response.status().as_u16(), etag(&response)), (200, "\"2\"".to_owned()));
    let edited: Post = response.json().await.unwrap();
    assert_eq!((edited.title.as_str(), edited.version), ("Second", 2));
    assert_eq!((edited.created_at, edited.id), (post.created_at, post.id));

    let delete = api.request(As::Ada, Method::DELETE, &location).header("if-match", "\"2\"");
    assert_eq!(delete.send().await.unwrap().status(), 204);
    let gone = refused(api.request(As::Ada, Method::GET, &location)).await;
    assert_eq!(gone, (404, "not-found".into()));
    assert_eq!(api.titles(As::Ada).await, Vec::<String>::new());
}

#[tokio::test]
async fn an_edit_names_the_version_that_was_read() {
    let api = Api::start().await;
    let path = format!("/posts/{}", api.write(As::Ada, "First").await.id);
    let put = || api.request(As::Ada, Method::PUT, &path).json(&draft("Edited"));
    let delete = || api.request(As::Ada, Method::DELETE, &path);
    assert_eq!(refused(put()).await, (428, "if-match-required".into()));
    assert_eq!(refused(delete()).await, (428, "if-match-required".into()));
    for tag in ["\"2\"", "W/\"1\"", "1", "\"\"", "\"x\"", ""] {
        assert_eq!(refused(put().header("if-match", tag)).await, (412, "version-changed".into()), "{tag}");
        assert_eq!(refused(delete().header("if-match", tag)).await.0, 412, "{tag}");
    }
    assert_eq!(put().header("if-match", "\"7\", \"1\"").send().await.unwrap().status(), 200);
    assert_eq!(put().header("if-match", "*").send().await.unwrap().status(), 200);
    // Of many edits of one version one is made.
    let edits = (0..20).map(|_| put().header("if-match", "\"3\"").send());
    let answers = futures_util::future::join_all(edits).await;
    let mut statuses: Vec<u16> =
        answers.into_iter().map(|answer| answer.unwrap().status().as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!((statuses[0], &statuses[1..]), (200, &[412; 19][..]));
}

#[tokio::test]
async fn people_see_their_own_posts_and_those_of_the_organization_they_act_for() {
    let api = Api::start().await;
    let own = api.write(As::Ada, "Ada's").await;
    let shared = api.write(As::AdaOfAcme, "Acme's").await;
    assert_eq!(shared.organization_id.as_deref(), Some("org_acme"));
    assert_eq!(api.titles(As::Ada).await, ["Ada's"]);
    assert_eq!(api.titles(As::AdaOfAcme).await, ["Acme's", "Ada's"]);
    assert_eq!(api.titles(As::GraceOfAcme).await, ["Acme's"]);
    assert_eq!(api.titles(As::Grace).await, Vec::<String>::new());
    assert_eq!(api.titles(As::GraceOfOther).await, Vec::<String>::new());

    // What one may not know of is not there: neither to read nor to change, with any version.
    for (who, post) in
        [(As::Grace, &own), (As::GraceOfAcme, &own), (As::Grace, &shared), (As::GraceOfOther, &shared)]
    {
        let path = format!("/posts/{}", post.id);
        let missing = (404, "not-found".to_owned());
        assert_eq!(refused(api.request(who, Method::GET, &path)).await, missing);
        let put = api.request(who, Method::PUT, &path).header("if-match", "*").json(&draft("Mine now"));
        assert_eq!(refused(put).await, missing);
        let delete = api.request(who, Method::DELETE, &path).header("if-match", "*");
        assert_eq!(refused(delete).await, missing);
    }
    let path = format!("/posts/{}", shared.id);
    let put = api.request(As::GraceOfAcme, Method::PUT, &path).header("if-match", "*").json(&draft("Ours"));
    let edited: Post = put.send().await.unwrap().json().await.unwrap();
    assert_eq!((edited.author_id.as_str(), edited.title.as_str()), ("user_ada", "Ours"));
    for id in ["post_0", "post_-1", "post_x", "1", "post_99999999999999999999", "post_999"] {
        let missing = refused(api.request(As::Ada, Method::GET, &format!("/posts/{id}"))).await;
        assert_eq!(missing, (404, "not-found".into()), "{id}");
    }
}

#[tokio::test]
async fn pages_neither_repeat_nor_skip_while_posts_come_and_go() {
    let api = Api::start().await;
    for number in 0..25 {
        api.write(As::Ada, &number.to_string()).await;
        api.write(As::Grace, "another's").await;
    }
    let first = api.page(As::Ada, "").await;
    assert_eq!(first.posts.len(), 20);
    let mut seen: Vec<String> = first.posts.iter().map(|post| post.title.clone()).collect();
    let mut cursor = first.next_cursor;
    while let Some(next) = cursor {
        // New posts, and the one that the cursor stands at goes.
        api.write(As::Ada, "new").await;
        let last = seen.last().unwrap().clone();
        let all = api.page(As::Ada, "?limit=100").await.posts;
        let path = format!("/posts/{}", all.iter().find(|post| post.title == last).unwrap().id);
        api.request(As::Ada, Method::DELETE, &path).header("if-match", "*").send().await.unwrap();
        let page = api.page(As::Ada, &format!("?limit=2&cursor={next}")).await;
        assert!(page.posts.len() <= 2);
        seen.extend(page.posts.iter().map(|post| post.title.clone()));
        cursor = page.next_cursor;
    }
    let wanted: Vec<String> = (0..25).rev().map(|number| number.to_string()).collect();
    assert_eq!(seen, wanted);

    for query in ["?limit=0", "?limit=101", "?limit=x", "?limit=-1"] {
        let refusal = refused(api.request(As::Ada, Method::GET, &format!("/posts{query}"))).await;
        assert_eq!(refusal, (400, "page-invalid".into()), "{query}");
    }
    for cursor in ["", "5", "bm90aGluZw", "%00", "cG9zdHMgYmVmb3JlIC01"] {
        let refusal = refused(api.request(As::Ada, Method::GET, &format!("/posts?cursor={cursor}"))).await;
        assert_eq!(refusal, (400, "cursor-invalid".into()), "{cursor}");
    }
}

#[tokio::test]
async fn a_request_that_is_repeated_is_carried_out_once() {
    let api = Api::start().await;
    let create = |who, key: &str, title: &str| api.post(who, &draft(title)).header("idempotency-key", key);
    let first = create(As::Ada, "k1", "Once").send().await.unwrap();
    assert!(!first.headers().contains_key("idempotency-replayed"));
    let first: Post = first.json().await.unwrap();
    let again = create(As::Ada, "\"k1\"", "Once").send().await.unwrap();
    assert_eq!(
        (again.status().as_u16(), &again.headers()["idempotency-replayed"]),
        (201, &"true".parse().unwrap())
    );
    assert_eq!(etag(&again), "\"1\"");
    assert_eq!(again.json::<Post>().await.unwrap(), first);
    assert_eq!(refused(create(As::Ada, "k1", "Twice")).await, (422, "idempotency-key-reused".into()));
    assert_eq!(refused(create(As::AdaOfAcme, "k1", "Once")).await.0, 422, "elsewhere is another request");

    // A key is a person's own.
    assert_eq!(create(As::Grace, "k1", "Grace's").send().await.unwrap().status(), 201);
    assert_eq!(
        (api.titles(As::Ada).await, api.titles(As::Grace).await),
        (vec!["Once".into()], vec!["Grace's".into()])
    );

    // At once, too.
    let posts = (0..20).map(|_| create(As::Ada, "k2", "Together").send());
    let mut ids = Vec::new();
    for answer in futures_util::future::join_all(posts).await {
        ids.push(answer.unwrap().json::<Post>().await.unwrap().id);
    }
    ids.dedup();
    assert_eq!((ids.len(), api.titles(As::Ada).await.len()), (1, 2));

    for key in ["", " ", "a b", &"x".repeat(256), "\"\""] {
        let refusal = refused(create(As::Ada, key, "Never")).await;
        assert_eq!(refusal, (400, "idempotency-key-invalid".into()), "{key:?}");
    }
    let two = create(As::Ada, "a", "Never").header("idempotency-key", "b");
    assert_eq!(refused(two).await.0, 400);
}

#[tokio::test]
async fn a_draft_that_cannot_be_a_post_is_refused_in_words() {
    let api = Api::start().await;
    let body = |body: String| {
        api.request(As::Ada, Method::POST, "/posts").header("content-type", "application/json").body(body)
    };
    let text = |title: usize, length: usize| {
        json!({ "title": "é".repeat(title), "body": "é".repeat(length) }).to_string()
    };
    for (sent, status, reason) in [
        (String::new(), 400, "body-invalid"),
        ("{".into(), 400, "body-invalid"),
        ("[]".into(), 400, "body-invalid"),
        (r#"{"title":"a"}"#.into(), 400, "body-invalid"),
        (r#"{"title":1,"body":"b"}"#.into(), 400, "body-invalid"),
        (r#"{"title":"a","body":"b","authorId":"user_grace"}"#.into(), 400, "body-invalid"),
        (r#"{"title":" ","body":"b"}"#.into(), 422, "title-invalid"),
        (text(201, 0), 422, "title-invalid"),
        (text(1, 20_001), 422, "body-too-long"),
        ("x".repeat(64 * 1024 + 1), 413, "body-too-large"),
    ] {
        let refusal = refused(body(sent.clone())).await;
        assert_eq!(refusal, (status, reason.to_owned()), "{}", &sent[..sent.len().min(40)]);
    }
    let plain = api.request(As::Ada, Method::POST, "/posts").body("title=a");
    assert_eq!(refused(plain).await, (415, "body-not-json".into()));
    assert_eq!(body(text(200, 20_000)).send().await.unwrap().status(), 201);
    assert_eq!(api.titles(As::Ada).await.len(), 1);

    let nobody = api.client.post(format!("{}/posts", api.url)).json(&draft("Anonymous"));
    assert_eq!(nobody.send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn posts_outlive_the_process() {
    let api = Api::start().await;
    let post = api.write(As::Ada, "Kept").await;
    let api = Api::on(api.folder).await;
    assert_eq!(api.titles(As::Ada).await, ["Kept"]);
    // A name is never given twice.
    let path = format!("/posts/{}", post.id);
    api.request(As::Ada, Method::DELETE, &path).header("if-match", "*").send().await.unwrap();
    assert_ne!(api.write(As::Ada, "New").await.id, post.id);
}

#[tokio::test]
async fn me_says_who_the_api_takes_the_caller_for() {
    let api = Api::start().await;
    let me = async |who| {
        let response = api.request(who, Method::GET, "/me").send().await.unwrap();
        assert_eq!(response.headers()["cache-control"], "private, no-store");
        response.json::<Me>().await.unwrap()
    };
    let ada = me(As::Ada).await;
    assert_eq!(
        (ada.user_id.as_str(), ada.session_id.as_str(), ada.organization_id),
        ("user_ada", "sess_1", None)
    );
    let member = me(As::GraceOfAcme).await;
    assert_eq!(
        (member.user_id.as_str(), member.organization_id.as_deref()),
        ("user_grace", Some("org_acme"))
    );
    assert_eq!(member.organization_role.as_deref(), Some("org:member"));
}
