//! Session tokens, and the keys that verify them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use clerk_core::{JwtHeader, SessionClaims, SessionStatus, TokenKind};
use reqwest::Method;
use serde_json::Value;
use support::{APP, Browser, Server};

/// Verifies a token with the published key that its header names.
async fn verify(token: &str, server: &Server) -> (JwtHeader, SessionClaims) {
    // Asked for as a resource server does: directly, with no header of a browser's.
    let jwks = server.browser().bare(Method::GET, "/.well-known/jwks.json").send().await.unwrap();
    let jwks: Value = jwks.json().await.unwrap();
    let (message, signature) = token.rsplit_once('.').unwrap();
    let (header, claims) = message.split_once('.').unwrap();
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
    let header: JwtHeader = serde_json::from_slice(&decode(header)).unwrap();
    let claims: SessionClaims = serde_json::from_slice(&decode(claims)).unwrap();

    let keys = jwks["keys"].as_array().unwrap();
    let key = keys.iter().find(|key| key["kid"].as_str() == header.kid.as_deref()).unwrap();
    assert_eq!((&key["kty"], &key["alg"], &key["use"]), (&"RSA".into(), &"RS256".into(), &"sig".into()));
    assert_eq!(key.as_object().unwrap().len(), 6, "nothing of the private key: {key}");
    let part = |name: &str| decode(key[name].as_str().unwrap());
    let public = RsaPublicKeyComponents { n: part("n"), e: part("e") };
    let signature = decode(signature);
    public.verify(&RSA_PKCS1_2048_8192_SHA256, message.as_bytes(), &signature).expect("a good signature");
    public
        .verify(&RSA_PKCS1_2048_8192_SHA256, format!("{message}x").as_bytes(), &signature)
        .expect_err("a signature of something else");
    (header, claims)
}

async fn token(browser: &mut Browser, session: &str) -> String {
    let path = format!("/v1/client/sessions/{session}/tokens?debug=skip_cache");
    let (status, answer) = browser.post(&path, &[("organization_id", ""), ("tab_state", "focused")]).await;
    assert_eq!((status, &answer["object"]), (200, &"token".into()));
    answer["jwt"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_token_says_what_clerks_say_and_verifies_with_the_published_key() {
    let server = Server::start().await;
    let mut browser = server.browser();
    let session = browser.sign_in().await;
    let (header, claims) = verify(&token(&mut browser, &session).await, &server).await;

    assert_eq!((header.alg.as_str(), header.typ.as_deref()), ("RS256", Some("JWT")));
    assert!(header.kid.as_deref().unwrap().starts_with("ins_"));
    assert_eq!(header.cat.as_deref(), TokenKind::Session.category());
    assert_eq!(TokenKind::of_jwt(&header, &claims.sub), Some(TokenKind::Session));

    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap();
    assert!((now - 5..=now).contains(&claims.iat));
    assert_eq!(claims.exp, claims.iat + 60);
    assert_eq!(claims.nbf, Some(claims.iat - 10));
    assert_eq!(claims.iss, "http://localhost:8080/__clerk");
    assert_eq!(claims.iss, server.dev.issuer());
    assert_eq!(claims.azp.as_deref(), Some(APP));
    assert_eq!(claims.sid, session);
    assert_eq!(claims.sub, server.dev.people()[0].id());
    assert_eq!((claims.sts, claims.fva, claims.v), (Some(SessionStatus::Active), Some([0, -1]), Some(2)));
    assert_eq!(claims.o, None);
}

#[tokio::test]
async fn each_token_is_another() {
    let server = Server::start().await;
    let mut browser = server.browser();
    let session = browser.sign_in().await;
    let (_, one) = verify(&token(&mut browser, &session).await, &server).await;
    let (_, two) = verify(&token(&mut browser, &session).await, &server).await;
    assert_ne!(one.jti.unwrap(), two.jti.unwrap());
}

#[tokio::test]
async fn touching_and_loading_bring_a_token_along() {
    let server = Server::start().await;
    let mut browser = server.browser();
    let session = browser.sign_in().await;
    let (_, touched) = browser.post(&format!("/v1/client/sessions/{session}/touch"), &[]).await;
    let (_, loaded) = browser.get("/v1/client").await;
    for holder in [&touched["response"], &loaded["response"]["sessions"][0]] {
        let (_, claims) = verify(holder["last_active_token"]["jwt"].as_str().unwrap(), &server).await;
        assert_eq!(claims.sid, session);
    }
}

#[tokio::test]
async fn a_setting_says_how_long_a_token_lives() {
    let server = Server::start_with(|settings| settings.token_life = Duration::from_secs(20)).await;
    let mut browser = server.browser();
    let session = browser.sign_in().await;
    let (_, claims) = verify(&token(&mut browser, &session).await, &server).await;
    assert_eq!(claims.exp, claims.iat + 20);
}

#[tokio::test]
async fn the_pem_is_the_same_key() {
    let server = Server::start().await;
    let pem = server.dev.public_key_pem().unwrap();
    let lines: Vec<_> = pem.lines().collect();
    let (first, last) = (lines[0], lines[lines.len() - 1]);
    assert_eq!((first, last), ("-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----"));
    assert!(lines.iter().all(|line| line.len() <= 64));
    let der = STANDARD.decode(lines[1..lines.len() - 1].concat()).unwrap();
    let mut browser = server.browser();
    let session = browser.sign_in().await;
    let token = token(&mut browser, &session).await;
    let (message, signature) = token.rsplit_once('.').unwrap();
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, der);
    key.verify(message.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).expect("a good signature");
}

#[tokio::test]
async fn a_verifier_finds_the_keys_from_the_issuer() {
    let server = Server::start().await;
    let response =
        server.browser().bare(Method::GET, "/.well-known/openid-configuration").send().await.unwrap();
    let configuration: Value = response.json().await.unwrap();
    assert_eq!(configuration["issuer"], server.dev.issuer());
    assert_eq!(configuration["jwks_uri"], format!("{}/.well-known/jwks.json", server.dev.issuer()));
}
