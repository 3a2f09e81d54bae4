//! What holds for any token, any claims and any key set.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::sync::LazyLock;

use clerk_verify::{
    AcceptsToken, Auth, KeySet, Policy, Rejection, Requirement, TokenKind, verify_session, verify_token,
};
use common::{ISSUER, NOW, PAGE, SigningKey, claims, with};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::new("ins_1"));
static KEYS: LazyLock<KeySet> = LazyLock::new(|| KeySet::from_jwks(KEY.jwks().as_bytes()).unwrap());
static GOOD: LazyLock<String> = LazyLock::new(|| KEY.sign(&claims()));

fn policy() -> Policy {
    Policy::for_issuer(ISSUER).unwrap().authorized_parties([PAGE]).unwrap()
}

fn verify(token: &str) -> Result<Auth, Rejection> {
    verify_token(token, AcceptsToken::ANY, &KEYS, &policy(), NOW * 1000)
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (NOW - 10..NOW + 70).prop_map(Value::from),
        prop_oneof![Just(ISSUER), Just(PAGE), Just("user_1"), Just("mch_1"), Just("pending"), Just("")]
            .prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,3}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_text_is_a_token(text in ".{0,300}") {
        prop_assert!(verify(&text).is_err());
    }

    #[test]
    fn no_three_parts_are_a_token(header in json_value(), claims in json_value(), signature in "[A-Za-z0-9_-]{0,400}") {
        use base64::Engine as _;
        let part = |value: Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string());
        let token = format!("{}.{}.{signature}", part(header), part(claims));
        prop_assert!(verify(&token).is_err());
    }

    #[test]
    fn one_changed_character_and_it_is_no_token(at in any::<prop::sample::Index>(), to in "[ -~]") {
        let mut token = GOOD.clone();
        let at = at.index(token.len());
        prop_assume!(token[at..=at] != *to);
        token.replace_range(at..=at, &to);
        prop_assert!(verify(&token).is_err(), "{}", at);
    }

    #[test]
    fn no_part_of_a_token_is_one(from in any::<prop::sample::Index>(), to in any::<prop::sample::Index>()) {
        let (from, to) = (from.index(GOOD.len()), to.index(GOOD.len()));
        let part = &GOOD[from.min(to)..from.max(to)];
        prop_assert!(verify(part).is_err());
    }
}

proptest! {
    // Each signs, which takes its time.
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Whatever a claim becomes, a token is accepted only if every rule still holds, as read once more here.
    #[test]
    fn a_claim_that_is_accepted_is_a_claim_that_may_be(
        name in prop::sample::select(vec!["sub", "sid", "azp", "iss", "aud", "exp", "nbf", "iat", "sts", "o", "fva", "fea"]),
        value in json_value(),
    ) {
        let token = KEY.sign(&with(name, value.clone()));
        if let Ok(auth) = verify(&token) {
            let holds = match name {
                "sub" => value.as_str().is_some_and(|text| !text.is_empty()),
                "sid" => value.as_str().is_some_and(|text| !text.is_empty()),
                "azp" => value == PAGE,
                "iss" => value == ISSUER,
                "aud" => false,
                "exp" => value.as_i64().is_some_and(|time| time > NOW - 5 && time < 253_402_300_800),
                "nbf" | "iat" => value.as_i64().is_some_and(|time| (0..=NOW + 5).contains(&time)),
                "sts" => value.is_null() || (value.is_string() && value != "pending"),
                _ => true,
            };
            prop_assert!(holds, "{} {}", name, value);
            if let Auth::Session(session) = auth {
                prop_assert!(!session.has(&Requirement::role("admin")) || value["rol"] == "admin");
            }
        }
    }

    /// A kind that is not accepted is refused as such, and the verdict on one that is does not depend on which
    /// others are accepted beside it.
    #[test]
    fn what_is_accepted_beside_a_kind_changes_nothing(bits in 0_u8..16, machine in any::<bool>()) {
        let kinds = [TokenKind::Session, TokenKind::OAuth, TokenKind::M2M, TokenKind::ApiKey];
        let accepts: AcceptsToken =
            kinds.iter().enumerate().filter(|(at, _)| bits & (1 << at) != 0).map(|(_, kind)| *kind).collect();
        let (token, kind) = if machine {
            let claims = json!({ "sub": "mch_1", "iss": ISSUER, "exp": NOW + 60 });
            (KEY.sign_with(&json!({ "alg": "RS256", "kid": "ins_1" }), &claims), TokenKind::M2M)
        } else {
            (GOOD.clone(), TokenKind::Session)
        };
        let verdict = verify_token(&token, accepts, &KEYS, &policy(), NOW * 1000).map(|auth| auth.kind());
        let expected = if accepts.contains(kind) { Ok(kind) } else { Err(Rejection::WrongKind(Some(kind))) };
        prop_assert_eq!(verdict, expected);
    }

    /// A token is good for one stretch of time: from five seconds before `nbf` to five after `exp`.
    #[test]
    fn there_is_one_stretch_of_time(offset in -200_000_i64..200_000) {
        let verdict = verify_session(&GOOD, &KEYS, &policy(), NOW * 1000 + offset);
        // `iat` is five seconds before now, `nbf` fifteen, `exp` 55 after.
        prop_assert_eq!(verdict.is_ok(), (-10_000..60_000).contains(&offset), "{}", offset);
    }

    #[test]
    fn no_bytes_break_a_key_set(bytes in prop::collection::vec(any::<u8>(), 0..300), keys in json_value()) {
        let _ = KeySet::from_jwks(&bytes);
        let _ = KeySet::from_pem(&String::from_utf8_lossy(&bytes));
        let document = json!({ "keys": keys }).to_string();
        prop_assert!(KeySet::from_jwks(document.as_bytes()).is_err());
    }

    #[test]
    fn a_damaged_key_is_not_the_key(at in any::<prop::sample::Index>(), to in "[A-Za-z0-9_-]") {
        let mut jwk = KEY.jwk();
        let mut modulus = jwk["n"].as_str().unwrap().to_owned();
        let at = at.index(modulus.len());
        prop_assume!(modulus[at..=at] != *to);
        modulus.replace_range(at..=at, &to);
        jwk["n"] = json!(modulus);
        let document = json!({ "keys": [jwk] }).to_string();
        if let Ok(keys) = KeySet::from_jwks(document.as_bytes()) {
            prop_assert_eq!(verify_session(&GOOD, &keys, &policy(), NOW * 1000).err(), Some(Rejection::WrongSignature));
        }
    }
}
