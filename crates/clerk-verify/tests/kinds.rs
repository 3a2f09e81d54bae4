//! Extractors and guards for every kind of token, over HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use axum::routing::get as route;
use axum::{Router, http::Method};
use clerk_verify::axum::{
    AnyAuth, ApiKeyAuth, AuthError, AuthLayer, MachineAuth, OAuthAuth, Permission, Permitted, Require, Scope,
    Scoped, SessionAuth,
};
use clerk_verify::{
    AcceptsToken, BackendApi, KeySet, Level, ManualClock, Policy, Requirement, Reverification, TokenKind,
    Verifier,
};
use common::backend::BackendServer;
use common::http::{get, get_with};
use common::{ISSUER, NOW, PAGE, SigningKey, claims, with};
use serde_json::{Value, json};

struct ReadFoo;
impl Scope for ReadFoo {
    const NAME: &'static str = "read:foo";
}

struct ManagePeople;
impl Permission for ManagePeople {
    const NAME: &'static str = "org:people:manage";
}

async fn delete_everything(session: SessionAuth) -> Result<String, AuthError> {
    let strict = Reverification::Custom { level: Level::FirstFactor, after_minutes: 10 };
    session.require(&Requirement::role("org:admin").and(Requirement::reverification(strict)))?;
    Ok("gone".into())
}

fn routes() -> Router {
    let hello = || route(|| async { "hello" });
    Router::new()
        .route("/session", route(|auth: SessionAuth| async move { auth.user_id().to_owned() }))
        .route("/oauth", route(|auth: OAuthAuth| async move { format!("{:?}", auth.client_id()) }))
        .route("/machine", route(|auth: MachineAuth| async move { auth.machine_id().to_owned() }))
        .route("/key", route(|auth: ApiKeyAuth| async move { format!("{:?}", auth.user_id()) }))
        .route("/any", route(|auth: AnyAuth| async move { auth.subject().to_owned() }))
        .route("/perhaps", route(|auth: Option<OAuthAuth>| async move { auth.is_some().to_string() }))
        .route("/scoped", route(|auth: Scoped<OAuthAuth, ReadFoo>| async move { auth.user_id().to_owned() }))
        .route("/permitted", route(|auth: Permitted<ManagePeople>| async move { auth.user_id().to_owned() }))
        .route("/delete", route(delete_everything))
        .route("/guard/permission", hello().route_layer(Require::permission("org:people:manage")))
        .route("/guard/role", hello().route_layer(Require::role("org:admin")))
        .route("/guard/session", hello().route_layer(Require::session()))
        .route(
            "/guard/scopes",
            hello().route_layer(Require::scopes(AcceptsToken::ANY, ["read:foo", "write:foo"])),
        )
        .route("/guard/two", hello().route_layer(Require::token([TokenKind::Session, TokenKind::OAuth])))
        // Asked twice in one request, by a guard and by an extractor: the narrower of the two counts.
        .route(
            "/twice",
            route(|auth: AnyAuth| async move { auth.subject().to_owned() })
                .route_layer(Require::token([TokenKind::Session, TokenKind::ApiKey])),
        )
        .route("/public", hello())
}

struct Setup {
    key: SigningKey,
    server: BackendServer,
    verifier: Verifier,
    app: Router,
}

async fn setup() -> Setup {
    let key = SigningKey::new("ins_1");
    let server = BackendServer::start().await;
    let clock = ManualClock::at(NOW);
    let policy = Policy::for_issuer(ISSUER).unwrap().authorized_parties([PAGE]).unwrap();
    let policy = policy.any_audience_for(TokenKind::M2M).unwrap();
    let keys = KeySet::from_jwks(key.jwks().as_bytes()).unwrap();
    let backend = BackendApi::at(&server.url, "sk_test_x".parse().unwrap()).unwrap().clock(clock.clone());
    let verifier = Verifier::new(policy, keys).backend(backend).clock(clock);
    let app = routes().layer(AuthLayer::new(verifier.clone()));
    Setup { key, server, verifier, app }
}

impl Setup {
    fn oauth(&self, scope: &str) -> String {
        let header = json!({ "alg": "RS256", "typ": "at+jwt", "kid": self.key.kid });
        let mut claims = claims();
        claims.as_object_mut().unwrap().retain(|name, _| !["azp", "sid", "sts"].contains(&name.as_str()));
        claims["client_id"] = json!("client_1");
        claims["scope"] = json!(scope);
        self.key.sign_with(&header, &claims)
    }

    fn machine(&self) -> String {
        let header = json!({ "alg": "RS256", "typ": "JWT", "kid": self.key.kid, "cat": "cl_B7d4PD333AAA" });
        let claims = json!({
            "sub": "mch_1", "iss": ISSUER, "iat": NOW, "exp": NOW + 60, "aud": ["mch_2"], "scopes": "mch_2 mch_3",
        });
        self.key.sign_with(&header, &claims)
    }

    fn admin(&self, fva: Value) -> String {
        let mut claims = with("fea", "o:people");
        claims["o"] = json!({ "id": "org_1", "rol": "admin", "per": "manage", "fpm": "1" });
        claims["fva"] = fva;
        self.key.sign(&claims)
    }

    async fn status(&self, path: &str, token: &str) -> u16 {
        get_with(&self.app, path, token).await.status
    }
}

#[tokio::test]
async fn each_extractor_takes_its_kind_and_no_other() {
    let setup = setup().await;
    let tokens = [
        ("session", setup.key.sign(&claims())),
        ("oauth", setup.oauth("read:foo")),
        ("oauth", "oat_1".into()),
        ("machine", setup.machine()),
        ("machine", "mt_1".into()),
        ("key", "ak_1".into()),
    ];
    for (kind, token) in &tokens {
        for path in ["session", "oauth", "machine", "key"] {
            let answer = get_with(&setup.app, &format!("/{path}"), token).await;
            if path == *kind {
                assert_eq!(answer.status, 200, "{kind} at {path}");
            } else {
                assert_eq!(answer.refusal(), (401, "token-type-mismatch".into()), "{kind} at {path}");
                assert!(answer.challenge().contains(r#"error="invalid_token""#));
            }
        }
        assert_eq!(setup.status("/any", token).await, 200);
    }
    assert_eq!(setup.server.calls(), 3, "each opaque token once, and only where its kind is accepted");
    assert_eq!(setup.status("/perhaps", "ak_1").await, 401);
    assert_eq!(get(&setup.app, "/perhaps", &[]).await.body, "false");
    assert_eq!(get_with(&setup.app, "/perhaps", "oat_1").await.body, "true");
}

#[tokio::test]
async fn the_layer_bounds_what_extractors_accept() {
    let setup = setup().await;
    let layer = AuthLayer::new(setup.verifier.clone()).accepts_token([TokenKind::Session, TokenKind::OAuth]);
    let app = routes().layer(layer);
    for (path, token, status) in [
        ("/any", setup.key.sign(&claims()), 200),
        ("/any", setup.oauth(""), 200),
        ("/any", "ak_1".into(), 401),
        ("/key", "ak_1".into(), 401),
        ("/machine", setup.machine(), 401),
    ] {
        assert_eq!(get_with(&app, path, &token).await.status, status, "{path}");
    }
    assert_eq!(setup.server.calls(), 0);
}

#[tokio::test]
async fn a_missing_scope_is_403_and_says_which() {
    let setup = setup().await;
    assert_eq!(setup.status("/scoped", &setup.oauth("a read:foo")).await, 200);
    let answer = get_with(&setup.app, "/scoped", &setup.oauth("read:foobar")).await;
    assert_eq!(answer.refusal(), (403, "scope-missing".into()));
    assert!(answer.challenge().contains(r#"error="insufficient_scope""#), "{}", answer.challenge());
    assert!(answer.challenge().contains(r#"scope="read:foo""#), "{}", answer.challenge());

    assert_eq!(setup.status("/guard/scopes", &setup.oauth("write:foo read:foo")).await, 200);
    let answer = get_with(&setup.app, "/guard/scopes", "ak_1").await;
    assert_eq!(answer.refusal(), (403, "scope-missing".into()));
    assert!(answer.challenge().contains(r#"scope="read:foo write:foo""#));
    assert_eq!(
        setup.status("/guard/scopes", &setup.key.sign(&claims())).await,
        401,
        "a session has no scopes"
    );
}

#[tokio::test]
async fn a_missing_permission_or_role_is_403() {
    let setup = setup().await;
    let (admin, nobody) = (setup.admin(json!([0, -1])), setup.key.sign(&claims()));
    for (path, reason) in [
        ("/permitted", "permission-missing"),
        ("/guard/permission", "permission-missing"),
        ("/guard/role", "role-missing"),
    ] {
        assert_eq!(setup.status(path, &admin).await, 200, "{path}");
        let answer = get_with(&setup.app, path, &nobody).await;
        assert_eq!(answer.refusal(), (403, reason.into()), "{path}");
        assert_eq!(answer.challenge(), "");
        assert_eq!(get(&setup.app, path, &[]).await.status, 401, "{path}");
        assert_eq!(setup.status(path, "ak_1").await, 401, "{path}");
    }
}

#[tokio::test]
async fn a_reverification_is_asked_for_as_clerks_front_ends_read_it() {
    let setup = setup().await;
    assert_eq!(setup.status("/delete", &setup.admin(json!([9, -1]))).await, 200);
    let answer = get_with(&setup.app, "/delete", &setup.admin(json!([10, -1]))).await;
    assert_eq!(answer.refusal(), (403, "reverification-error".into()));
    let wanted = json!({
        "type": "forbidden",
        "reason": "reverification-error",
        "metadata": { "reverification": { "level": "first_factor", "afterMinutes": 10 } },
    });
    assert_eq!(answer.problem()["clerk_error"], wanted);
    // To verify again would not help who is no admin.
    let mut claims = with("fva", json!([99, -1]));
    claims["o"] = json!({ "id": "org_1", "rol": "member" });
    let answer = get_with(&setup.app, "/delete", &setup.key.sign(&claims)).await;
    assert_eq!(answer.refusal(), (403, "role-missing".into()));
    assert_eq!(answer.problem().get("clerk_error"), None);
}

#[tokio::test]
async fn a_guard_lets_through_what_it_names() {
    let setup = setup().await;
    for (path, token, status) in [
        ("/guard/session", setup.key.sign(&claims()), 200),
        ("/guard/session", setup.oauth(""), 401),
        ("/guard/two", setup.key.sign(&claims()), 200),
        ("/guard/two", setup.oauth(""), 200),
        ("/guard/two", setup.machine(), 401),
        ("/twice", setup.key.sign(&claims()), 200),
        ("/twice", setup.oauth(""), 401),
        ("/public", "nonsense".into(), 200),
    ] {
        assert_eq!(setup.status(path, &token).await, status, "{path}");
    }
    assert_eq!(setup.status("/twice", "ak_1").await, 200);
    assert_eq!(setup.server.calls(), 1, "verified once per request");
}

#[tokio::test]
async fn the_servers_own_troubles_are_not_the_clients() {
    let setup = setup().await;
    let answer = get_with(&setup.app, "/key", "ak_e429").await;
    assert_eq!(answer.refusal(), (503, "unexpected-error".into()));
    assert_eq!((answer.header("retry-after"), answer.challenge()), (Some("7"), ""));
    let answer = get_with(&setup.app, "/key", "ak_e500").await;
    assert_eq!(
        (answer.refusal(), answer.header("retry-after")),
        ((503, "unexpected-error".into()), Some("1"))
    );
    let answer = get_with(&setup.app, "/key", "ak_e401").await;
    assert_eq!(answer.refusal(), (500, "unexpected-error".into()));
    assert_eq!(answer.challenge(), "");
    for word in ["secret", "key", "Clerk", "401"] {
        assert!(!answer.body.contains(word), "{}", answer.body);
    }
}

#[tokio::test]
async fn answers_that_depend_on_who_asks_are_not_stored() {
    let setup = setup().await;
    let answer = get_with(&setup.app, "/session", &setup.key.sign(&claims())).await;
    assert_eq!(answer.header("cache-control"), Some("private, no-store"));
    assert_eq!(get(&setup.app, "/perhaps", &[]).await.header("cache-control"), Some("private, no-store"));
    assert_eq!(
        get_with(&setup.app, "/public", &setup.key.sign(&claims())).await.header("cache-control"),
        None
    );
    let own = |_: SessionAuth| async { ([("cache-control", "private, max-age=60")], "") };
    let app = Router::new().route("/", route(own)).layer(AuthLayer::new(setup.verifier.clone()));
    let answer = get_with(&app, "/", &setup.key.sign(&claims())).await;
    assert_eq!(answer.header("cache-control"), Some("private, max-age=60"), "a handler may know better");
}

#[tokio::test]
async fn the_same_as_a_function() {
    let setup = setup().await;
    let layer = AuthLayer::new(setup.verifier.clone());
    let mut headers = axum::http::HeaderMap::new();
    let error = layer.authenticate(&Method::GET, &headers, AcceptsToken::ANY).await.unwrap_err();
    assert_eq!((error.status().as_u16(), error), (401, AuthError::NoCredentials));
    headers.insert("authorization", "Bearer mt_1".parse().unwrap());
    let auth = layer.authenticate(&Method::GET, &headers, [TokenKind::M2M]).await.unwrap();
    assert_eq!((auth.kind(), auth.subject(), auth.user_id()), (TokenKind::M2M, "mch_1", None));
    assert!(layer.authenticate(&Method::GET, &headers, TokenKind::Session).await.is_err());
}

#[tokio::test]
async fn guards_outside_of_the_layer_let_nobody_in() {
    for path in ["/guard/permission", "/guard/session", "/any", "/scoped", "/permitted"] {
        let answer = get_with(&routes(), path, "ak_1").await;
        assert_eq!(answer.refusal(), (500, "auth-layer-missing".into()), "{path}");
    }
}

#[tokio::test]
async fn verdicts_are_counted() {
    let setup = setup().await;
    let at_jwt = json!({ "alg": "RS256", "typ": "at+jwt", "kid": setup.key.kid });
    for (path, token) in [
        ("/key", "ak_1"),
        ("/key", "ak_1"),
        ("/key", "ak_notfound"),
        ("/session", "ak_1"),
        ("/key", "ak_e429"),
        ("/session", &setup.key.sign(&with("exp", NOW - 60))),
        ("/oauth", &SigningKey::new("ins_1").sign_with(&at_jwt, &claims())),
        ("/any", &setup.machine()),
        ("/any", "nonsense"),
    ] {
        get_with(&setup.app, path, token).await;
    }
    let text = setup.verifier.metrics();
    for line in [
        r#"clerk_verify_tokens_total{kind="api_key",result="ok"} 2"#,
        r#"clerk_verify_tokens_total{kind="api_key",result="token-type-mismatch"} 1"#,
        r#"clerk_verify_tokens_total{kind="api_key",result="token-invalid"} 1"#,
        r#"clerk_verify_tokens_total{kind="api_key",result="unexpected-error"} 1"#,
        r#"clerk_verify_tokens_total{kind="session_token",result="token-expired"} 1"#,
        r#"clerk_verify_tokens_total{kind="oauth_token",result="token-invalid-signature"} 1"#,
        r#"clerk_verify_tokens_total{kind="m2m_token",result="ok"} 1"#,
        r#"clerk_verify_tokens_total{kind="unknown",result="token-invalid"} 1"#,
        r#"clerk_verify_backend_calls_total{result="answered"} 2"#,
        r#"clerk_verify_backend_calls_total{result="failed"} 1"#,
    ] {
        assert!(text.lines().any(|other| other == line), "{line}\n{text}");
    }
}
