//! What a session token has to be, one deviation at a time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use clerk_verify::{
    KeyError, KeySet, Malformed, ManualClock, Policy, Rejection, Session, SessionStatus, TokenKind, Verifier,
    VerifyError, verify_session,
};
use common::{ISSUER, NOW, PAGE, SigningKey, claims, with, without};
use serde_json::{Value, json};

fn policy() -> Policy {
    Policy::for_issuer(ISSUER).unwrap().authorized_parties([PAGE]).unwrap()
}

fn keys(key: &SigningKey) -> KeySet {
    KeySet::from_jwks(key.jwks().as_bytes()).unwrap()
}

fn verify(key: &SigningKey, token: &str) -> Result<Session, Rejection> {
    verify_session(token, &keys(key), &policy(), NOW * 1000)
}

#[test]
fn a_session_says_who_is_signed_in() {
    let key = SigningKey::new("ins_1");
    let session = verify(&key, &key.sign(&with("role", "editor"))).unwrap();
    assert_eq!(session.user_id(), "user_ada");
    assert_eq!(session.session_id(), "sess_1");
    assert_eq!(session.authorized_party(), Some(PAGE));
    assert_eq!(session.issuer(), Some(ISSUER));
    assert_eq!(session.token_id(), Some("token-1"));
    assert_eq!(session.issued_at(), Some(NOW - 5));
    assert_eq!(session.not_before(), Some(NOW - 15));
    assert_eq!(session.expires_at(), NOW + 55);
    assert_eq!(session.status(), Some(SessionStatus::Active));
    assert_eq!(session.claim("role"), Some(&json!("editor")));
}

#[test]
fn each_claim_is_checked() {
    let key = SigningKey::new("ins_1");
    let cases: [(Value, Rejection); 27] = [
        (without("sub"), Rejection::BadClaim("sub")),
        (with("sub", ""), Rejection::BadClaim("sub")),
        (with("sub", 7), Rejection::BadClaim("sub")),
        (without("sid"), Rejection::BadClaim("sid")),
        (with("sid", ""), Rejection::BadClaim("sid")),
        (without("azp"), Rejection::WrongAuthorizedParty),
        (with("azp", ""), Rejection::WrongAuthorizedParty),
        (with("azp", json!([PAGE])), Rejection::WrongAuthorizedParty),
        (with("azp", "https://foo.com/"), Rejection::WrongAuthorizedParty),
        (with("azp", "https://foo.com.evil.example"), Rejection::WrongAuthorizedParty),
        (with("azp", "HTTPS://FOO.COM"), Rejection::WrongAuthorizedParty),
        (without("iss"), Rejection::WrongIssuer),
        (with("iss", "https://clerk.foo.com/"), Rejection::WrongIssuer),
        (with("iss", "http://clerk.foo.com"), Rejection::WrongIssuer),
        (with("aud", "https://other.example"), Rejection::WrongAudience),
        (without("exp"), Rejection::BadClaim("exp")),
        (with("exp", (NOW + 60).to_string()), Rejection::BadClaim("exp")),
        (with("exp", (NOW + 60) as f64 + 0.5), Rejection::BadClaim("exp")),
        (with("exp", 1e300), Rejection::BadClaim("exp")),
        (with("exp", i64::MAX), Rejection::BadClaim("exp")),
        (with("exp", u64::MAX), Rejection::BadClaim("exp")),
        (with("exp", -1), Rejection::BadClaim("exp")),
        (with("nbf", Value::Null), Rejection::BadClaim("nbf")),
        (with("nbf", i64::MIN), Rejection::BadClaim("nbf")),
        (with("iat", "now"), Rejection::BadClaim("iat")),
        (with("sts", "pending"), Rejection::Pending),
        (with("sts", true), Rejection::BadClaim("sts")),
    ];
    for (claims, rejection) in cases {
        assert_eq!(verify(&key, &key.sign(&claims)), Err(rejection), "{claims}");
    }
}

#[test]
fn times_have_a_skew_of_five_seconds() {
    let key = SigningKey::new("ins_1");
    let cases: [(&str, i64, Result<(), Rejection>); 6] = [
        ("exp", NOW - 4, Ok(())),
        ("exp", NOW - 5, Err(Rejection::Expired)),
        ("nbf", NOW + 5, Ok(())),
        ("nbf", NOW + 6, Err(Rejection::NotActiveYet)),
        ("iat", NOW + 5, Ok(())),
        ("iat", NOW + 6, Err(Rejection::IssuedInTheFuture)),
    ];
    for (name, time, verdict) in cases {
        assert_eq!(verify(&key, &key.sign(&with(name, time))).map(|_| ()), verdict, "{name} {time}");
    }
}

#[test]
fn a_clock_at_its_limits_does_not_overflow() {
    let key = SigningKey::new("ins_1");
    let token = key.sign(&claims());
    let at = |millis| verify_session(&token, &keys(&key), &policy(), millis).unwrap_err();
    assert_eq!(at(i64::MIN), Rejection::NotActiveYet);
    assert_eq!(at(-1), Rejection::NotActiveYet);
    assert_eq!(at(i64::MAX), Rejection::Expired);
}

#[test]
fn other_kinds_are_told_apart_although_the_signature_is_good() {
    let key = SigningKey::new("ins_1");
    let header = |name: &str, value: Value| {
        let mut header = key.header();
        header[name] = value;
        header
    };
    let kind = |kind| Err(Rejection::WrongKind(kind));
    let cases = [
        (header("cat", json!("cl_B7d4PD222AAA")), claims(), kind(Some(TokenKind::Template))),
        (header("cat", json!("cl_B7d4PD333AAA")), claims(), kind(Some(TokenKind::M2M))),
        (header("typ", json!("at+jwt")), claims(), kind(Some(TokenKind::OAuth))),
        (key.header(), with("sub", "mch_1"), kind(Some(TokenKind::M2M))),
        (header("cat", json!("cl_new")), claims(), kind(None)),
        (header("cat", Value::Null), claims(), kind(None)),
        (header("cat", json!(["cl_B7d4PD111AAA"])), claims(), kind(None)),
        (header("typ", json!("AT+JWT")), claims(), Err(Rejection::Malformed(Malformed::Type))),
        (header("typ", Value::Null), claims(), Err(Rejection::Malformed(Malformed::Type))),
    ];
    for (header, claims, verdict) in cases {
        assert_eq!(verify(&key, &key.sign_with(&header, &claims)), verdict, "{header} {claims}");
    }
    for (token, kind) in [("ak_x", TokenKind::ApiKey), ("oat_x", TokenKind::OAuth), ("mt_x", TokenKind::M2M)]
    {
        assert_eq!(verify(&key, token), Err(Rejection::WrongKind(Some(kind))));
    }
}

#[test]
fn form_and_algorithm_are_strict() {
    let key = SigningKey::new("ins_1");
    let good = key.sign(&claims());
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let malformed = |what| Err(Rejection::Malformed(what));
    let header = |name: &str, value: Value| {
        let mut header = key.header();
        header[name] = value;
        key.sign_with(&header, &claims())
    };
    let text = claims().to_string();
    let twice = text.replacen('{', r#"{"azp":"https://evil.example","#, 1);
    let cases: [(String, Result<(), Rejection>); 17] = [
        (good.clone(), Ok(())),
        (format!("{signed}."), Err(Rejection::WrongSignature)),
        (format!("{signed}.{signature}="), malformed(Malformed::Encoding)),
        (format!(" {good}"), malformed(Malformed::Encoding)),
        (format!("{good}\n"), malformed(Malformed::Encoding)),
        (format!("{good}.x"), malformed(Malformed::Parts)),
        (signed.into(), malformed(Malformed::Parts)),
        ("x".into(), malformed(Malformed::Parts)),
        (String::new(), malformed(Malformed::Parts)),
        (key.sign(&with("x", "x".repeat(8192))), malformed(Malformed::TooLong)),
        (key.sign_text(&key.header().to_string(), &twice), malformed(Malformed::DuplicateMember)),
        (key.sign_text(r#"{"alg":"none","alg":"RS256"}"#, &text), malformed(Malformed::DuplicateMember)),
        (key.sign_text("null", &text), malformed(Malformed::Json)),
        (header("crit", json!(["exp"])), malformed(Malformed::Critical)),
        (header("alg", json!("none")), Err(Rejection::WrongAlgorithm)),
        (header("alg", json!("HS256")), Err(Rejection::WrongAlgorithm)),
        (header("alg", json!("rs256")), Err(Rejection::WrongAlgorithm)),
    ];
    for (token, verdict) in cases {
        assert_eq!(verify(&key, &token).map(|_| ()), verdict, "{token}");
    }
    // Bytes that are no UTF-8 inside a string.
    use base64::Engine as _;
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(b"{\"sub\":\"\xff\"}");
    let token = format!("{}.{claims}.{signature}", signed.split_once('.').unwrap().0);
    assert_eq!(verify(&key, &token).map(|_| ()), malformed(Malformed::Json));
}

#[test]
fn another_instance_with_the_same_key_id_is_another() {
    let (key, other) = (SigningKey::new("ins_1"), SigningKey::new("ins_1"));
    assert_eq!(verify(&key, &other.sign(&claims())), Err(Rejection::WrongSignature));
    assert_eq!(verify(&key, &SigningKey::new("ins_2").sign(&claims())), Err(Rejection::UnknownKey));
}

#[test]
fn opting_out_has_a_name() {
    let key = SigningKey::new("ins_1");
    let keys = keys(&key);
    let verify = |policy: &Policy, claims: &Value| {
        verify_session(&key.sign(claims), &keys, policy, NOW * 1000).map(|_| ())
    };
    let open = Policy::for_any_issuer().any_authorized_party().any_audience();
    let mut strange = with("iss", "https://elsewhere.example");
    strange["aud"] = json!("anybody");
    strange["azp"] = json!("app://native");
    assert_eq!(verify(&open, &strange), Ok(()));
    assert_eq!(verify(&open.clone().audience(["us"]).unwrap(), &strange), Err(Rejection::WrongAudience));
    assert_eq!(
        verify(&open.clone().audience(["us"]).unwrap(), &without("azp")),
        Err(Rejection::WrongAudience)
    );
    assert_eq!(verify(&open.clone().audience(["us"]).unwrap(), &with("aud", json!(["them", "us"]))), Ok(()));
    assert_eq!(
        verify(&open.clone().audience(["us"]).unwrap(), &with("aud", json!(["us", 5]))),
        Err(Rejection::WrongAudience)
    );
    assert_eq!(verify(&open, &with("sts", "pending")), Err(Rejection::Pending));
    assert_eq!(verify(&open.admit_pending_sessions(), &with("sts", "pending")), Ok(()));
}

#[test]
fn key_documents_are_checked() {
    let key = SigningKey::new("ins_1");
    let jwk = |name: &str, value: Value| {
        let mut jwk = key.jwk();
        jwk[name] = value;
        jwk
    };
    let load = |keys: Value| KeySet::from_jwks(json!({ "keys": keys }).to_string().as_bytes()).map(|_| ());
    let unusable = [
        jwk("kty", json!("EC")),
        jwk("use", json!("enc")),
        jwk("alg", json!("RS512")),
        jwk("key_ops", json!(["encrypt"])),
        jwk("key_ops", json!("verify")),
        jwk("kid", Value::Null),
        jwk("kid", json!("")),
        jwk("n", json!("AQAB")),
        jwk("e", json!("")),
        // The upper half of the modulus: 1032 bits.
        jwk("n", json!(key.jwk()["n"].as_str().unwrap()[..172])),
    ];
    for unusable in unusable {
        assert_eq!(load(json!([unusable])), Err(KeyError::NoneUsable), "{unusable}");
        assert_eq!(load(json!([unusable, key.jwk()])), Ok(()), "{unusable}");
    }
    assert_eq!(load(json!([jwk("key_ops", json!(["verify"]))])), Ok(()));
    assert_eq!(load(json!([jwk("d", json!("AQAB"))])), Err(KeyError::Private));
    assert_eq!(load(json!([key.jwk(), { "kty": "oct", "k": "AQAB" }])), Err(KeyError::Private));
    assert_eq!(load(json!([key.jwk(), key.jwk()])), Err(KeyError::DuplicateId));
    assert_eq!(load(Value::from(vec![json!({ "kty": "EC" }); 65])), Err(KeyError::TooMany));
    assert_eq!(load(json!([])), Err(KeyError::NoneUsable));
    assert_eq!(load(json!(["x"])), Err(KeyError::Json));
    assert_eq!(load(json!({})), Err(KeyError::Json));
    for text in ["", "<html>", "[]", r#"{"keys":[],"keys":[]}"#] {
        assert_eq!(KeySet::from_jwks(text.as_bytes()).map(|_| ()), Err(KeyError::Json), "{text}");
    }
    let pem = key.pem();
    assert!(KeySet::from_pem(&pem).is_ok());
    for text in ["", "x", &pem.replace("PUBLIC", "PRIVATE"), &pem[..200], &pem.replace("MII", "MIJ")] {
        assert_eq!(KeySet::from_pem(text).map(|_| ()), Err(KeyError::Pem), "{text}");
    }
}

#[tokio::test]
async fn a_verifier_reads_its_clock() {
    let key = SigningKey::new("ins_1");
    let clock = ManualClock::at(NOW);
    let verifier = Verifier::new(policy(), KeySet::from_pem(&key.pem()).unwrap()).clock(clock.clone());
    let token = key.sign(&claims());
    assert_eq!(verifier.verify_session(&token).await.unwrap().user_id(), "user_ada");
    clock.advance(std::time::Duration::from_secs(60));
    assert_eq!(verifier.verify_session(&token).await, Err(VerifyError::Rejected(Rejection::Expired)));
}

#[test]
fn nothing_of_a_token_is_shown() {
    let key = SigningKey::new("ins_secretkid");
    let mut secret = with("custom", "secret-claim");
    secret["azp"] = json!("https://secret-page.example");
    let token = key.sign(&secret);
    let error = verify(&key, &token).unwrap_err();
    let session = verify(&key, &key.sign(&with("custom", "secret-claim"))).unwrap();
    for shown in [format!("{error} {error:?} {:?}", VerifyError::from(error)), format!("{session:?}")] {
        assert!(!shown.contains("secret"), "{shown}");
        assert!(token.split('.').all(|part| !shown.contains(part)), "{shown}");
    }
}
