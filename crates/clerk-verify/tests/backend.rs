//! Opaque tokens: what is asked, how often, and what becomes of each answer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::time::Duration;

use clerk_verify::{
    AcceptsToken, Auth, BackendApi, BackendSetupError, Jwks, KeySet, ManualClock, Policy, Rejection,
    SecretKey, TokenKind, Verifier, VerifyError,
};
use common::backend::BackendServer;
use common::{ISSUER, JwksServer, NOW, SigningKey, claims};
use serde_json::json;

struct Setup {
    server: BackendServer,
    clock: ManualClock,
    verifier: Verifier,
}

fn secret() -> SecretKey {
    "sk_test_very_secret".parse().unwrap()
}

async fn setup_with(change: impl FnOnce(BackendApi) -> BackendApi, policy: Policy) -> Setup {
    let server = BackendServer::start().await;
    let clock = ManualClock::at(NOW);
    let backend = change(BackendApi::at(&server.url, secret()).unwrap().clock(clock.clone()));
    let keys = KeySet::from_jwks(SigningKey::new("ins_1").jwks().as_bytes()).unwrap();
    let verifier = Verifier::new(policy, keys).backend(backend).clock(clock.clone());
    Setup { server, clock, verifier }
}

fn policy() -> Policy {
    Policy::for_issuer(ISSUER).unwrap().any_authorized_party()
}

async fn setup() -> Setup {
    setup_with(|backend| backend, policy()).await
}

impl Setup {
    async fn verify(&self, token: &str) -> Result<Auth, VerifyError> {
        self.verifier.verify(token, AcceptsToken::ANY).await
    }
}

fn retry_after(result: Result<Auth, VerifyError>) -> u64 {
    match result {
        Err(VerifyError::Unavailable(unavailable)) => unavailable.retry_after().as_secs(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn each_kind_is_asked_about_where_clerk_answers_for_it() {
    let setup =
        setup_with(|backend| backend.machine_secret_key("ak_machine_secret".parse().unwrap()), policy())
            .await;
    let cases = [
        (
            "oat_1",
            "/oauth_applications/access_tokens/verify",
            json!({ "access_token": "oat_1" }),
            "sk_test_very_secret",
        ),
        ("mt_1", "/m2m_tokens/verify", json!({ "token": "mt_1" }), "ak_machine_secret"),
        ("ak_1", "/api_keys/verify", json!({ "secret": "ak_1" }), "sk_test_very_secret"),
    ];
    for (token, path, body, secret) in cases {
        let auth = setup.verify(token).await.unwrap();
        let (seen_path, headers, seen_body) = setup.server.last();
        assert_eq!((seen_path.as_str(), seen_body), (path, body));
        assert_eq!(headers["authorization"], format!("Bearer {secret}"));
        assert_eq!(headers["clerk-api-version"], "2026-05-12");
        match auth {
            Auth::OAuth(token) => {
                assert_eq!((token.user_id(), token.client_id()), ("user_1", Some("client_1")));
                assert_eq!(token.require_scope("read:foo"), Ok(()));
                assert!(token.require_scopes(&["read:foo", "write:foo"]).is_err());
            }
            Auth::Machine(token) => {
                assert_eq!((token.machine_id(), token.has_scope("mch_2")), ("mch_1", true))
            }
            Auth::ApiKey(key) => assert_eq!((key.user_id(), key.name()), (Some("user_1"), Some("ci"))),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_kind_that_is_not_accepted_is_never_asked_about() {
    let setup = setup().await;
    for (token, kind) in [("oat_1", TokenKind::OAuth), ("mt_1", TokenKind::M2M), ("ak_1", TokenKind::ApiKey)]
    {
        let others = [TokenKind::Session, TokenKind::OAuth, TokenKind::M2M, TokenKind::ApiKey];
        let others: AcceptsToken = others.into_iter().filter(|other| *other != kind).collect();
        let error = setup.verifier.verify(token, others).await.unwrap_err();
        assert_eq!(error, VerifyError::Rejected(Rejection::WrongKind(Some(kind))));
    }
    assert_eq!(setup.server.calls(), 0);
}

#[tokio::test]
async fn without_a_backend_opaque_tokens_are_refused() {
    let keys = KeySet::from_jwks(SigningKey::new("ins_1").jwks().as_bytes()).unwrap();
    let error = Verifier::new(policy(), keys).verify("ak_1", AcceptsToken::ANY).await.unwrap_err();
    assert_eq!(error, VerifyError::Rejected(Rejection::Opaque));
}

#[tokio::test]
async fn each_answer_has_its_consequence() {
    let setup = setup().await;
    let cases = [
        ("ak_notfound", Err(VerifyError::Rejected(Rejection::NotFound))),
        ("ak_revoked", Err(VerifyError::Rejected(Rejection::Revoked))),
        ("ak_expired", Err(VerifyError::Rejected(Rejection::Expired))),
        ("ak_e401", Err(VerifyError::Misconfigured)),
        ("ak_1", Ok(())),
    ];
    for (token, consequence) in cases {
        assert_eq!(setup.verify(token).await.map(|_| ()), consequence, "{token}");
    }
    assert_eq!(retry_after(setup.verify("ak_e429").await), 7);
    assert_eq!(retry_after(setup.verify("ak_e500").await), 1);
    for (status, body) in [(200, ""), (200, "<html>"), (200, "{}"), (302, ""), (503, ""), (204, "")] {
        setup.server.answer(status, body);
        assert_eq!(retry_after(setup.verify(&format!("ak_{status}{body}x")).await), 1, "{status} {body}");
    }
    for status in [400, 410, 422] {
        setup.server.answer(status, "{}");
        let error = setup.verify(&format!("ak_client{status}")).await.unwrap_err();
        assert_eq!(error, VerifyError::Rejected(Rejection::NotFound), "{status}");
    }
    setup.server.answer(403, "{}");
    assert_eq!(setup.verify("ak_403").await.unwrap_err(), VerifyError::Misconfigured);
    setup.server.answer(200, format!(r#"{{"subject":"user_1","x":"{}"}}"#, "x".repeat(300_000)));
    assert_eq!(retry_after(setup.verify("ak_huge").await), 1);
}

#[tokio::test]
async fn no_server_at_all_is_no_verdict() {
    // A port that was just given back.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let keys = KeySet::from_jwks(SigningKey::new("ins_1").jwks().as_bytes()).unwrap();
    let verifier = Verifier::new(policy(), keys).backend(BackendApi::at(&url, secret()).unwrap());
    assert_eq!(retry_after(verifier.verify("ak_1", TokenKind::ApiKey).await), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_are_one_question() {
    let setup = setup().await;
    setup.server.delay(Duration::from_millis(100));
    let tasks: Vec<_> = (0..200)
        .map(|_| {
            let verifier = setup.verifier.clone();
            tokio::spawn(async move { verifier.verify("ak_1", TokenKind::ApiKey).await })
        })
        .collect();
    for task in tasks {
        assert!(task.await.unwrap().is_ok());
    }
    assert_eq!(setup.server.calls(), 1);
}

#[tokio::test]
async fn who_goes_away_does_not_cancel_what_others_wait_for() {
    let setup = setup().await;
    setup.server.delay(Duration::from_millis(200));
    let impatient = tokio::time::timeout(Duration::from_millis(50), setup.verify("ak_1")).await;
    assert!(impatient.is_err());
    assert!(setup.verify("ak_1").await.is_ok());
    assert_eq!(setup.server.calls(), 1);
}

#[tokio::test]
async fn an_answer_counts_for_ten_seconds_yes_or_no() {
    let setup = setup().await;
    for token in ["ak_1", "ak_notfound"] {
        let before = setup.server.calls();
        let first = setup.verify(token).await;
        setup.clock.advance(Duration::from_millis(9_999));
        assert_eq!(setup.verify(token).await, first);
        assert_eq!(setup.server.calls(), before + 1, "{token}");
        setup.clock.advance(Duration::from_millis(1));
        assert_eq!(setup.verify(token).await, first);
        assert_eq!(setup.server.calls(), before + 2, "{token}");
    }
    // A key that was revoked meanwhile is refused from then on.
    setup.server.answer(404, "{}");
    setup.clock.advance(Duration::from_secs(10));
    assert_eq!(setup.verify("ak_1").await.unwrap_err(), VerifyError::Rejected(Rejection::NotFound));
}

#[tokio::test]
async fn how_long_an_answer_counts_can_be_said_within_a_minute() {
    let never = setup_with(|backend| backend.remember_for(Duration::ZERO), policy()).await;
    for _ in 0..3 {
        assert!(never.verify("ak_1").await.is_ok());
    }
    assert_eq!(never.server.calls(), 3);
    let long = setup_with(|backend| backend.remember_for(Duration::from_secs(86_400)), policy()).await;
    assert!(long.verify("ak_1").await.is_ok());
    long.clock.advance(Duration::from_secs(60));
    assert!(long.verify("ak_1").await.is_ok());
    assert_eq!(long.server.calls(), 2);
}

#[tokio::test]
async fn an_answer_never_counts_beyond_the_tokens_expiry() {
    let setup = setup().await;
    for expiration in [NOW + 3, (NOW + 3) * 1000] {
        setup.server.answer(200, json!({ "subject": "user_1", "expiration": expiration }).to_string());
        let token = format!("ak_{expiration}");
        let before = setup.server.calls();
        assert!(setup.verify(&token).await.is_ok());
        setup.clock.advance(Duration::from_millis(2_999));
        assert!(setup.verify(&token).await.is_ok());
        assert_eq!(setup.server.calls(), before + 1);
        setup.clock.advance(Duration::from_millis(1));
        assert!(setup.verify(&token).await.is_ok());
        assert_eq!(setup.server.calls(), before + 2);
        setup.clock.set(NOW);
    }
}

#[tokio::test]
async fn who_is_told_to_come_back_later_is_told_when_and_not_asked_about_before() {
    let setup = setup().await;
    assert_eq!(retry_after(setup.verify("ak_e429").await), 7);
    setup.clock.advance(Duration::from_secs(3));
    assert_eq!(retry_after(setup.verify("ak_e429").await), 4);
    assert_eq!(setup.server.calls(), 1);
    assert!(setup.verify("ak_other").await.is_ok());
    setup.clock.advance(Duration::from_secs(4));
    setup.server.answer(200, r#"{"subject":"user_1"}"#);
    assert!(setup.verify("ak_e429").await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_tokens_that_nobody_knows_is_bounded() {
    let setup = setup().await;
    setup.server.delay(Duration::from_millis(300));
    let tasks: Vec<_> = (0..500)
        .map(|number| {
            let verifier = setup.verifier.clone();
            tokio::spawn(
                async move { verifier.verify(&format!("ak_notfound{number}"), AcceptsToken::ANY).await },
            )
        })
        .collect();
    let (mut refused, mut later) = (0, 0);
    for task in tasks {
        match task.await.unwrap() {
            Err(VerifyError::Rejected(Rejection::NotFound)) => refused += 1,
            Err(VerifyError::Unavailable(_)) => later += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(refused + later, 500);
    assert!(setup.server.most_in_flight() <= 64, "{}", setup.server.most_in_flight());
    assert!(setup.verify("ak_1").await.is_ok(), "and afterwards it works as before");
}

#[tokio::test]
async fn the_audience_of_an_opaque_oauth_token_is_checked_too() {
    let ours = policy().audience_for(TokenKind::OAuth, ["https://api.foo.com"]).unwrap();
    let setup = setup_with(|backend| backend, ours).await;
    let cases = [
        ("oat_none", json!(null), Err(Rejection::WrongAudience)),
        ("oat_other", json!(["https://other.example"]), Err(Rejection::WrongAudience)),
        ("oat_ours", json!(["https://other.example", "https://api.foo.com"]), Ok(())),
    ];
    for (token, aud, verdict) in cases {
        let body = json!({ "subject": "user_1", "client_id": "c", "aud": aud });
        setup.server.answer(200, body.to_string());
        assert_eq!(setup.verify(token).await.map(|_| ()), verdict.map_err(VerifyError::from), "{token}");
    }
    setup.server.by_token();
    assert!(setup.verify("ak_1").await.is_ok(), "an API key has none");
}

#[tokio::test]
async fn the_backend_api_has_the_keys_too() {
    let key = SigningKey::new("ins_1");
    let jwks = JwksServer::start(key.jwks()).await;
    let url = jwks.url.strip_suffix("/.well-known/jwks.json").unwrap();
    let verifier = |backend: &BackendApi| {
        Verifier::new(policy(), Jwks::from_backend(backend).unwrap()).clock(ManualClock::at(NOW))
    };
    let backend = BackendApi::at(url, secret()).unwrap();
    assert!(verifier(&backend).verify_session(&key.sign(&claims())).await.is_ok());
    assert_eq!(jwks.paths(), ["/v1/jwks"]);
    jwks.fail(401);
    let error = verifier(&backend).verify_session(&key.sign(&claims())).await.unwrap_err();
    assert_eq!(error, VerifyError::Misconfigured, "our own key is no fault of the client's");
}

#[test]
fn the_backend_api_is_https_or_this_machine() {
    for bad in ["", "http://api.clerk.com", "https://u:p@api.clerk.com", "ftp://localhost"] {
        assert!(matches!(BackendApi::at(bad, secret()), Err(BackendSetupError::Url)), "{bad}");
    }
    let backend = BackendApi::new(secret()).unwrap();
    let shown = format!(
        "{backend:?} {:?}",
        Verifier::new(policy(), KeySet::from_pem(&SigningKey::new("x").pem()).unwrap())
            .backend(backend.clone())
    );
    assert!(shown.contains("https://api.clerk.com") && !shown.contains("very_secret"), "{shown}");
}
