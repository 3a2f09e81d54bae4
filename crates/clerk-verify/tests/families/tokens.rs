//! What a token is made of: algorithm, signature, times, kind, claims, encoding.

use axum::routing::get as route;
use clerk_verify::axum::{AuthLayer, Require};
use clerk_verify::{KeySet, ManualClock, Policy, Verifier};
use serde_json::json;

use crate::common::api::{api, routes};
use crate::common::http::get_with;
use crate::common::{ISSUER, NOW, PAGE, SigningKey, claims, with};
use crate::refused;

#[tokio::test]
async fn family_1_the_algorithm_is_not_the_tokens_to_choose() {
    let api = api().await;
    let good = api.good();
    let payload = good.split('.').nth(1).unwrap();
    for alg in [
        json!("none"),
        json!("None"),
        json!(["RS256"]),
        json!(null),
        json!("rs256"),
        json!("HS256"),
        json!("RS384"),
        json!("PS256"),
        json!("ES256"),
        json!("EdDSA"),
        json!({}),
    ] {
        // Signed well all the same: what is refused is the header alone.
        let token = api.key.sign_with(&api.header("alg", alg.clone()), &claims());
        assert_eq!(api.ask(&token).await, refused("token-invalid-algorithm"), "{alg}");
    }
    let mut none = api.key.header();
    none.as_object_mut().unwrap().remove("alg");
    assert_eq!(api.ask(&api.key.sign_with(&none, &claims())).await, refused("token-invalid-algorithm"));
    // The public key as an HMAC secret.
    use aws_lc_rs::hmac;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
    for secret in [api.key.pem().into_bytes(), Vec::new()] {
        let signed = format!("{}.{payload}", BASE64.encode(api.header("alg", json!("HS256")).to_string()));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), signed.as_bytes());
        let token = format!("{signed}.{}", BASE64.encode(tag.as_ref()));
        assert_eq!(api.ask(&token).await, refused("token-invalid-algorithm"));
    }
    assert_eq!(api.jwks.fetches(), 0, "and no key was looked for");
}

#[tokio::test]
async fn family_2_the_signature_is_the_keys_over_these_very_bytes() {
    let api = api().await;
    let good = api.good();
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let flipped = |at: usize| {
        let mut bytes = signature.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        format!("{signed}.{}", String::from_utf8(bytes).unwrap())
    };
    let other = SigningKey::new("ins_1").sign(&claims());
    for token in [
        other,
        flipped(0),
        flipped(100),
        format!("{signed}.{}", &signature[..signature.len() - 4]),
        format!("{signed}.AAAA{signature}"),
        format!("{signed}.{}", "A".repeat(signature.len() - 1) + "A"),
        api.key.sign(&with("sub", "user_root")).rsplit_once('.').unwrap().0.to_owned() + "." + signature,
    ] {
        let (status, reason) = api.ask(&token).await;
        assert_eq!(status, 401, "{token}");
        assert!(["token-invalid-signature", "token-invalid"].contains(&reason.as_str()), "{reason}");
    }
    assert_eq!(get_with(&api.app, "/session", &format!("{signed}.")).await.status, 401);
    assert_eq!(api.ask(&good).await.0, 200);
}

#[tokio::test]
async fn family_4_times_are_times_and_clocks_may_be_wrong() {
    let api = api().await;
    for (name, value, reason) in [
        ("exp", json!(NOW - 5), "token-expired"),
        ("exp", json!(-1e15), "token-verification-failed"),
        ("exp", json!(1e300), "token-verification-failed"),
        ("exp", json!(null), "token-verification-failed"),
        ("exp", json!("1800000060"), "token-verification-failed"),
        ("nbf", json!(NOW + 6), "token-not-active-yet"),
        ("nbf", json!(1e15), "token-verification-failed"),
        ("iat", json!(NOW + 6), "token-iat-in-the-future"),
        ("iat", json!([NOW]), "token-verification-failed"),
    ] {
        assert_eq!(
            api.ask(&api.key.sign(&with(name, value.clone()))).await,
            refused(reason),
            "{name} {value}"
        );
    }
    let text = claims().to_string().replace(&format!("\"exp\":{}", NOW + 55), "\"exp\":-1e400");
    let token = api.key.sign_text(&api.key.header().to_string(), &text);
    assert_eq!(api.ask(&token).await, refused("token-invalid"));
    let token = api.good();
    for (time, status) in [(-1, 401), (i64::MIN / 1000, 401), (i64::MAX / 1000, 401), (0, 401), (NOW, 200)] {
        api.clock.set(time);
        assert_eq!(api.ask(&token).await.0, status, "{time}");
    }
}

#[tokio::test]
async fn family_5_each_kind_opens_its_own_door_alone() {
    let api = api().await;
    let header = |typ: Option<&str>, cat: Option<&str>| {
        let mut header = json!({ "alg": "RS256", "kid": "ins_1" });
        for (name, value) in [("typ", typ), ("cat", cat)] {
            if let Some(value) = value {
                header[name] = json!(value);
            }
        }
        header
    };
    let (session, template, m2m) = ("cl_B7d4PD111AAA", "cl_B7d4PD222AAA", "cl_B7d4PD333AAA");
    let mut machine = claims();
    machine["sub"] = json!("mch_1");
    // The header, the claims, and the one door that it opens.
    let cases = [
        (header(Some("JWT"), Some(session)), claims(), Some("session")),
        (header(None, None), claims(), Some("session")),
        (header(Some("JWT"), Some("cl_I7d4PD111III")), claims(), Some("session")),
        (header(Some("JWT"), Some(template)), claims(), None),
        (header(Some("JWT"), Some(m2m)), claims(), None),
        (header(Some("JWT"), Some("")), claims(), None),
        (header(Some("JWT"), Some("cl_unheard_of")), claims(), None),
        (header(Some("at+jwt"), None), claims(), Some("oauth")),
        (header(Some("application/at+jwt"), None), claims(), Some("oauth")),
        (header(Some("AT+JWT"), None), claims(), None),
        (header(Some("at+jwt"), None), machine.clone(), None),
        (header(Some("JWT"), Some(m2m)), machine.clone(), Some("machine")),
        (header(Some("JWT"), None), machine.clone(), Some("machine")),
        (header(Some("JWT"), Some(session)), machine.clone(), None),
        (header(Some("JWT"), Some(template)), machine, None),
        // An id_token of Clerk's OIDC is for a client, not for an API.
        (header(Some("JWT"), None), with("aud", "client_1"), None),
    ];
    for (header, claims, door) in cases {
        let token = api.key.sign_with(&header, &claims);
        for path in ["session", "oauth", "machine", "key"] {
            let status = get_with(&api.app, &format!("/{path}"), &token).await.status;
            assert_eq!(status, if door == Some(path) { 200 } else { 401 }, "{header} {claims} at {path}");
        }
        let any = get_with(&api.app, "/any", &token).await.status;
        assert_eq!(any, if door.is_some() { 200 } else { 401 }, "{header} {claims}");
    }
    assert_eq!(api.backend.calls(), 0);
}

#[tokio::test]
async fn family_6_claims_are_what_they_must_be() {
    let api = api().await;
    for (name, value, reason) in [
        ("sub", json!(""), "token-verification-failed"),
        ("sub", json!(7), "token-verification-failed"),
        ("sid", json!(null), "token-verification-failed"),
        ("azp", json!(null), "token-invalid-authorized-parties"),
        ("azp", json!([PAGE]), "token-invalid-authorized-parties"),
        ("azp", json!("https://foo.com/"), "token-invalid-authorized-parties"),
        ("azp", json!("https://FOO.com"), "token-invalid-authorized-parties"),
        ("azp", json!("https://foo.com.evil.example"), "token-invalid-authorized-parties"),
        ("iss", json!("http://clerk.foo.com"), "token-invalid-issuer"),
        ("iss", json!("https://clerk.foo.com/"), "token-invalid-issuer"),
        ("iss", json!([ISSUER]), "token-invalid-issuer"),
        ("aud", json!("somebody"), "token-verification-failed"),
        ("aud", json!({}), "token-verification-failed"),
        ("sts", json!("pending"), "session-pending"),
    ] {
        assert_eq!(
            api.ask(&api.key.sign(&with(name, value.clone()))).await,
            refused(reason),
            "{name} {value}"
        );
    }
    // Claims that a template or a person can choose grant nothing, and break nothing.
    let app = routes().route("/admin", route(|| async {}).route_layer(Require::role("admin")));
    let keys = KeySet::from_jwks(api.key.jwks().as_bytes()).unwrap();
    let policy = Policy::for_issuer(ISSUER).unwrap().authorized_parties([PAGE]).unwrap();
    let app = app.layer(AuthLayer::new(Verifier::new(policy, keys).clock(ManualClock::at(NOW))));
    for (name, value) in [
        ("org_role", json!("org:admin")),
        ("o", json!("admin")),
        ("o", json!({ "rol": "admin" })),
        ("o", json!({ "id": "", "rol": "admin" })),
        ("role", json!("admin")),
    ] {
        let mut claims = with(name, value.clone());
        claims["org_id"] = json!("org_1");
        claims["fea"] = json!("dashboard");
        assert_eq!(get_with(&app, "/admin", &api.key.sign(&claims)).await.status, 403, "{name} {value}");
    }
}

#[tokio::test]
async fn family_7_there_is_one_way_to_write_a_token() {
    let api = api().await;
    let good = api.good();
    let parts: Vec<&str> = good.split('.').collect();
    let deep = format!(r#"{{"alg":"RS256","kid":"ins_1","x":{}{}}}"#, "[".repeat(2000), "]".repeat(2000));
    let twice = claims().to_string().replacen('{', r#"{"sub":"user_root","#, 1);
    let header = api.key.header().to_string();
    for token in [
        format!("{good}="),
        format!("{good}."),
        format!("{good}.{good}"),
        format!(".{}.{}", parts[1], parts[2]),
        parts[0].to_owned(),
        format!("{}.{}", parts[0], parts[1]),
        "...".into(),
        "bnVsbA.e30.AA".into(),
        "W10.e30.AA".into(),
        format!("{}.AA.{}", parts[0], parts[2]),
        api.key.sign_text(&deep, &claims().to_string()),
        api.key.sign_text(&header, &twice),
        api.key.sign_text(&header, &format!("\u{feff}{}", claims())),
        api.key.sign_text(&header, &format!("{} {{}}", claims())),
        api.key.sign_with(&api.header("crit", json!([])), &claims()),
        api.key.sign_with(&api.header("crit", json!(["b64"])), &claims()),
        "x".repeat(8192),
        api.key.sign(&with("padding", "x".repeat(100_000))),
    ] {
        assert_eq!(api.ask(&token).await, refused("token-invalid"), "{}", &token[..token.len().min(80)]);
    }
    for bad in [
        format!("{}=.{}.{}", parts[0], parts[1], parts[2]),
        good.replacen('.', "\t.", 1),
        good.replacen('.', " .", 1),
        format!("{{\"payload\":\"{}\"}}", parts[1]),
    ] {
        assert_eq!(get_with(&api.app, "/session", &bad).await.status, 400);
    }
    assert_eq!(api.ask(&good).await.0, 200);
}
