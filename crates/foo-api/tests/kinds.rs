//! Who gets in where: people, applications, machines, cookies.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../../clerk-verify/tests/common/mod.rs"]
mod common;
mod support;

use common::{PAGE, claims, with};
use foo_types::{Caller, Me, Post, Problem};
use reqwest::{Method, RequestBuilder};
use serde_json::json;
use support::Api;

impl Api {
    fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.url))
    }

    /// The kinds of token, each good for something.
    fn tokens(&self) -> [(&'static str, String); 4] {
        let key = &self.key;
        let header = json!({ "alg": "RS256", "typ": "at+jwt", "kid": key.kid });
        let mut oauth = claims();
        oauth.as_object_mut().unwrap().remove("sid");
        oauth["client_id"] = json!("client_1");
        oauth["scope"] = json!("openid reports:read");
        let mut poor = oauth.clone();
        poor["scope"] = json!("openid");
        let mut machine = with("sub", "mch_1");
        machine.as_object_mut().unwrap().remove("sid");
        machine["scopes"] = json!("mch_2");
        [
            ("session", key.sign(&claims())),
            ("oauth", key.sign_with(&header, &oauth)),
            ("oauth without the scope", key.sign_with(&header, &poor)),
            (
                "machine",
                key.sign_with(&json!({ "alg": "RS256", "cat": "cl_B7d4PD333AAA", "kid": key.kid }), &machine),
            ),
        ]
    }
}

async fn outcome(request: RequestBuilder) -> (u16, String) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    if status < 300 {
        return (status, String::new());
    }
    (status, response.json::<Problem>().await.unwrap().reason.unwrap())
}

#[tokio::test]
async fn each_route_takes_its_own_kind_of_token() {
    let api = Api::start().await;
    for (path, wanted) in [
        ("/foo", "session"),
        ("/me", "session"),
        ("/posts", "session"),
        ("/reports", "oauth"),
        ("/machine", "machine"),
    ] {
        for (kind, token) in api.tokens() {
            let (status, reason) = outcome(api.get(path).bearer_auth(&token)).await;
            let right = match kind {
                _ if kind == wanted => (200, ""),
                "oauth without the scope" if wanted == "oauth" => (403, "scope-missing"),
                _ => (401, "token-type-mismatch"),
            };
            assert_eq!((status, reason.as_str()), right, "{kind} at {path}");
        }
        assert_eq!(outcome(api.get(path)).await.0, 401, "nobody at {path}");
    }
    let [_, (_, oauth), _, (_, machine)] = api.tokens();
    let caller: Caller = api.get("/reports").bearer_auth(oauth).send().await.unwrap().json().await.unwrap();
    assert_eq!(
        (caller.subject.as_str(), caller.scopes),
        ("user_ada", vec!["openid".into(), "reports:read".into()])
    );
    let caller: Caller = api.get("/machine").bearer_auth(machine).send().await.unwrap().json().await.unwrap();
    assert_eq!((caller.subject.as_str(), caller.scopes), ("mch_1", vec!["mch_2".to_owned()]));
}

#[tokio::test]
async fn a_permission_opens_what_a_session_does_not() {
    let api = Api::start().await;
    let of = |permissions: &str, map: &str| {
        let mut claims = claims();
        claims["v"] = json!(2);
        claims["fea"] = json!("o:posts");
        claims["o"] = json!({ "id": "org_1", "slg": "x", "rol": "admin", "per": permissions, "fpm": map });
        api.key.sign(&claims)
    };
    let ask = |token: String| outcome(api.get("/admin").bearer_auth(token));
    assert_eq!(ask(of("manage", "1")).await, (200, String::new()));
    assert_eq!(ask(of("read", "1")).await, (403, "permission-missing".into()));
    assert_eq!(ask(of("manage", "0")).await, (403, "permission-missing".into()));
    assert_eq!(ask(api.key.sign(&claims())).await, (403, "permission-missing".into()));
}

#[tokio::test]
async fn the_apps_own_origin_may_use_the_cookie_and_nobody_else() {
    let api = Api::start().await;
    let cookie = format!("__session={}", api.key.sign(&claims()));
    let own = |path: &str| api.get(path).header("cookie", &cookie).header("sec-fetch-site", "same-origin");
    let me: Me = own("/api/me").send().await.unwrap().json().await.unwrap();
    assert_eq!(me.user_id, "user_ada");
    // The cookie counts below /api only.
    assert_eq!(outcome(own("/me")).await.0, 401);
    // Where several instances share a domain, this one's has its suffix, and goes before the other.
    let bob = api.key.sign(&with("sub", "user_bob"));
    let both = format!("{cookie}; __session_1Z8AzTQD={bob}");
    let request = api.get("/api/me").header("cookie", both).header("sec-fetch-site", "same-origin");
    assert_eq!(request.send().await.unwrap().json::<Me>().await.unwrap().user_id, "user_bob");
    for site in ["same-site", "cross-site"] {
        let request = api.get("/api/me").header("cookie", &cookie).header("sec-fetch-site", site);
        assert_ne!(outcome(request).await.0, 200, "{site}");
    }
    let write = |site: Option<&str>, origin: Option<&str>| {
        let mut request = api.client.request(Method::POST, format!("{}/api/posts", api.url));
        request = request.header("cookie", &cookie).json(&json!({ "title": "By cookie", "body": "" }));
        if let Some(site) = site {
            request = request.header("sec-fetch-site", site);
        }
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        outcome(request)
    };
    assert_eq!(write(Some("same-origin"), None).await.0, 201);
    assert_eq!(write(None, Some(PAGE)).await.0, 201);
    for (site, origin) in [
        (None, None),
        (Some("none"), None),
        (Some("same-site"), Some(PAGE)),
        (Some("cross-site"), Some("https://evil.example")),
        (None, Some("https://evil.example")),
    ] {
        assert_eq!(write(site, origin).await, (403, "cookie-not-same-origin".into()), "{site:?} {origin:?}");
    }
    // What was written is where the answer says, and within the cookie's reach.
    let written = api.client.post(format!("{}/api/posts", api.url)).header("cookie", &cookie);
    let written = written.header("sec-fetch-site", "same-origin").json(&json!({ "title": "a", "body": "" }));
    let written = written.send().await.unwrap();
    let location = written.headers()["location"].to_str().unwrap().to_owned();
    let post: Post = written.json().await.unwrap();
    assert_eq!(location, format!("/api/posts/{}", post.id));
    assert_eq!(own(&location).send().await.unwrap().json::<Post>().await.unwrap(), post);
    // The bearer decides where there is one.
    assert_eq!(outcome(own("/api/me").bearer_auth("not-a-token")).await.0, 401);
}
