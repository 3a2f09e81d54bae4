//! The tenth family of attack: what answers and logs give away. Alone in its process, for which levels are logged
//! is the process's affair.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::sync::{Arc, Mutex};

use common::api::api;
use common::http::get_with;
use common::{SigningKey, claims, with};
use serde_json::json;

/// Everything that is logged, at every level, by every crate.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn family_10_answers_and_logs_say_nothing_of_the_token() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let api = api().await;
    let mut marked = claims();
    marked["sub"] = json!("user_MARKEDsubject");
    marked["azp"] = json!("https://MARKEDpage.example\r\nx-injected: 1");
    marked["email"] = json!("MARKED@foo.com");
    let header = api.header("kid", json!("ins_MARKEDkid"));
    let tokens = [
        api.key.sign(&marked),
        api.key.sign(&with("sub", "user_MARKEDsubject")),
        api.key.sign_with(&header, &marked),
        SigningKey::new("ins_1").sign(&marked),
        "ak_MARKEDkey_e401".into(),
        "ak_MARKEDkey_e429".into(),
        "ak_MARKEDkey".into(),
        "oat_MARKEDtoken_notfound".into(),
        "MARKED".into(),
    ];
    for token in &tokens {
        for path in ["/session", "/any"] {
            let answer = get_with(&api.app, path, token).await;
            if answer.status != 200 {
                let shown = format!("{:?} {}", answer.headers, answer.body);
                assert!(!shown.contains("MARKED") && !shown.contains("injected"), "{shown}");
                assert!(
                    !shown.contains("secret-from-the-backend") && !shown.contains("own_secret"),
                    "{shown}"
                );
                assert!(token.split('.').all(|part| !shown.contains(part)), "{shown}");
            }
        }
    }
    let shown = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(shown.contains("refuses this server's own secret key"), "the operator is told: {shown}");
    assert!(shown.contains("token-invalid-signature") && shown.contains("rate limit"), "{shown}");
    for secret in ["MARKED", "own_secret", "secret-from-the-backend"] {
        let line = shown.lines().find(|line| line.contains(secret));
        assert_eq!(line, None);
    }
    assert!(
        tokens.iter().flat_map(|token| token.split('.')).all(|part| part.len() < 9 || !shown.contains(part))
    );
}
