//! Who says what of each token.

use std::process::ExitCode;

use clerk_verify::{AcceptsToken, Auth, BackendApi, KeySet, Policy, TokenKind, Verifier};
use serde_json::{Value, json};

use crate::sdk::{SDK, Sdk};
use crate::tokens::Set;

const SETTINGS: [(&str, &[TokenKind]); 7] = [
    ("session_token", &[TokenKind::Session]),
    ("oauth_token", &[TokenKind::OAuth]),
    ("m2m_token", &[TokenKind::M2M]),
    ("api_key", &[TokenKind::ApiKey]),
    ("any", &[TokenKind::Session, TokenKind::OAuth, TokenKind::M2M, TokenKind::ApiKey]),
    ("session_token|oauth_token", &[TokenKind::Session, TokenKind::OAuth]),
    ("oauth_token|m2m_token|api_key", &[TokenKind::OAuth, TokenKind::M2M, TokenKind::ApiKey]),
];

pub async fn verdicts(set: &Set) -> ExitCode {
    let mut sdk = Sdk::start();
    let setup = sdk.ask(&json!({
        "command": "setup", "jwtKey": set.pem, "publishableKey": set.publishable_key, "secretKey": set.secret_key,
        "apiUrl": set.api_url, "authorizedParties": set.parties, "telemetry": { "disabled": true },
    }));
    assert_eq!(setup["version"], SDK);
    let policy = Policy::for_issuer(set.issuer.as_str())
        .unwrap()
        .authorized_parties(set.parties.clone())
        .unwrap()
        .any_audience();
    let backend = BackendApi::at(&set.api_url, set.secret_key.parse().unwrap()).unwrap();
    let verifier = Verifier::new(policy, KeySet::from_pem(&set.pem).unwrap()).backend(backend);
    let (mut same, mut on_purpose, mut wrong, mut accepted) = (0, 0, 0, 0);
    for (id, token, why) in &set.tokens {
        for (setting, kinds) in SETTINGS {
            let accepts = match setting.split('|').collect::<Vec<_>>()[..] {
                [one] => json!(one),
                ref several => json!(several),
            };
            let theirs = sdk.ask(&json!({ "command": "judge", "token": token, "acceptsToken": accepts }));
            let ours = verifier.verify(token, kinds.iter().copied().collect::<AcceptsToken>()).await;
            let ours = ours.as_ref().map_or(Value::Null, |auth: &Auth| json!(auth.subject()));
            accepted += usize::from(!ours.is_null());
            if theirs.get("subject") == Some(&ours) {
                same += 1;
            } else if let Some(why) = why {
                on_purpose += 1;
                println!("on purpose {id} [{setting}]: SDK {theirs}, here {ours}: {why}");
            } else {
                wrong += 1;
                println!("DIFFERENT  {id} [{setting}]: SDK {theirs}, here {ours}");
            }
        }
    }
    println!("{same} the same ({accepted} accepted), {on_purpose} different on purpose, {wrong} different");
    if wrong == 0 && accepted > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
