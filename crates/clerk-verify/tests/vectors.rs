//! Every vector's verdict with every setting, with the key as a PEM and as a JWKS, and the header cases.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use clerk_verify::{Auth, Requirement, VerifyError};
use common::vectors::File;
use serde_json::Value;

async fn file() -> File {
    File::read(include_str!("data/clerk-tokens.json")).await.unwrap()
}

#[tokio::test]
async fn every_vector_gets_the_required_verdict_with_every_setting() {
    let cases = file().await.cases().await;
    let wrong: Vec<String> = cases
        .iter()
        .filter(|case| !case.passed())
        .map(|case| format!("{} [{}]: {}, required {}", case.id, case.setting, case.reason(), case.required))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let said = |word: &str| cases.iter().filter(|case| case.said() == word).count();
    assert_eq!((cases.len(), said("accept"), said("unavailable")), (7 * 101, 106, 3));
}

#[tokio::test]
async fn every_header_case_gets_the_required_status() {
    let cases = file().await.header_cases().await;
    for case in &cases {
        assert_eq!(case.status, case.required, "{}", case.id);
    }
    assert_eq!(cases.len(), 13);
}

#[tokio::test]
async fn with_a_jwks_a_token_has_to_name_its_key() {
    for case in file().await.with_jwks().cases().await {
        if case.id.starts_with("kid-") {
            assert_eq!(case.said(), "reject", "{}", case.id);
        } else {
            assert_eq!(case.said(), case.required, "{} [{}]", case.id, case.setting);
        }
    }
}

/// Where the SDK's `verifyToken` refuses a token too, it is for the same reason: clients may rely on the codes.
#[tokio::test]
async fn reasons_are_those_of_the_sdk() {
    let mut same = 0;
    for case in file().await.cases().await {
        let (sdk, Ok(Err(VerifyError::Rejected(rejection)))) = (&case.vector["verifyToken"], &case.verdict)
        else {
            continue;
        };
        let (sdk, ours) = (sdk.as_str().unwrap(), rejection.reason());
        // The SDK's `verifyToken` tells kinds apart after other checks, or by the algorithm alone; padding
        // and a damaged number are as bad to it as a wrong signature or claim.
        let known = matches!(
            (case.id.as_str(), ours),
            (_, "token-type-mismatch")
                | ("alg-rs512", "token-invalid-algorithm")
                | ("struct-padded-all" | "hdr-null" | "hdr-string" | "payload-array", "token-invalid")
                | ("exp-float", "token-verification-failed")
        );
        if case.setting == "session_token" && sdk.starts_with("token-") && !known {
            assert_eq!(ours, sdk, "{}", case.id);
            same += 1;
        }
    }
    assert!(same > 30, "{same}");
}

/// Whom the SDK takes the token for, we take it for too.
#[tokio::test]
async fn who_it_is_is_what_the_sdk_says() {
    let mut compared = 0;
    for case in file().await.cases().await {
        let Ok(Ok(auth)) = &case.verdict else { continue };
        let sdk = &case.vector["auth"][&case.setting]["auth"];
        if sdk["isAuthenticated"] != true {
            continue;
        }
        compared += 1;
        let text = |name: &str| sdk[name].as_str();
        let id = &case.id;
        match auth {
            Auth::Session(session) => {
                assert_eq!(Some(session.user_id()), text("userId"), "{id}");
                assert_eq!(Some(session.session_id()), text("sessionId"), "{id}");
                let organization = session.organization();
                let organization = organization.as_ref();
                assert_eq!(organization.map(|o| o.id), text("orgId"), "{id}");
                assert_eq!(organization.and_then(|o| o.role.as_deref()), text("orgRole"), "{id}");
                assert_eq!(organization.and_then(|o| o.slug), text("orgSlug"), "{id}");
                let permissions =
                    organization.map(|o| o.permissions.iter().map(|p| &**p).collect::<Vec<_>>());
                let theirs = sdk["orgPermissions"].as_array();
                let theirs = theirs.map(|all| all.iter().filter_map(Value::as_str).collect());
                assert_eq!(permissions, theirs, "{id}");
                for permission in theirs.into_iter().flatten() {
                    assert!(session.has(&Requirement::permission(permission)), "{id} {permission}");
                }
            }
            machine => {
                assert_eq!(Some(machine.subject()), text("subject"), "{id}");
                let scopes = sdk["scopes"].as_array().unwrap();
                assert_eq!(
                    machine.scopes(),
                    scopes.iter().filter_map(Value::as_str).collect::<Vec<_>>(),
                    "{id}"
                );
                match machine {
                    Auth::OAuth(token) => assert_eq!(token.client_id(), text("clientId"), "{id}"),
                    Auth::Machine(token) => assert_eq!(Some(token.machine_id()), text("machineId"), "{id}"),
                    Auth::ApiKey(key) => {
                        assert_eq!(key.user_id(), text("userId"), "{id}");
                        assert_eq!(key.organization_id(), text("orgId"), "{id}");
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
    }
    assert!(compared > 90, "{compared}");
}
