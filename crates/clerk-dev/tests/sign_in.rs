//! Signing in and out, as clerk-js does it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use reqwest::Method;
use serde_json::{Value, json};
use support::{ADA, Server, attempt_path, code, set_cookie};

#[tokio::test]
async fn two_steps_sign_in_and_the_client_says_so() {
    let server = Server::start().await;
    let mut browser = server.browser();
    let (_, before) = browser.get("/v1/client").await;
    assert_eq!(before["response"]["sessions"], json!([]));

    let (_, step) = browser.post("/v1/client/sign_ins", &[("identifier", "ADA@example.com")]).await;
    assert_eq!(step["response"]["status"], "needs_first_factor");
    assert_eq!(step["response"]["supported_first_factors"], json!([{ "strategy": "password" }]));
    assert_eq!(step["client"]["sign_in"]["id"], step["response"]["id"]);
    assert_eq!(step["client"]["sessions"], json!([]));

    let form = [("strategy", "password"), ("password", ADA.1)];
    let (_, done) = browser.post(&attempt_path(&step), &form).await;
    assert_eq!(done["response"]["status"], "complete");
    assert_eq!(done["client"]["sign_in"], Value::Null);
    let session = &done["client"]["sessions"][0];
    assert_eq!(session["id"], done["response"]["created_session_id"]);
    assert_eq!(session["status"], "active");
    assert_eq!(session["user"]["first_name"], "Ada");
    assert_eq!(session["user"]["email_addresses"][0]["email_address"], ADA.0);

    let (_, after) = browser.get("/v1/client").await;
    assert_eq!(after["response"]["last_active_session_id"], session["id"]);
    assert_eq!(after["client"], Value::Null);

    let (status, again) = browser.post(&attempt_path(&step), &form).await;
    assert_eq!((status, code(&again)), (404, "resource_not_found"));
}

#[tokio::test]
async fn address_and_password_together_sign_in_too() {
    let server = Server::start().await;
    let mut browser = server.browser();
    let wrong = [("identifier", ADA.0), ("password", "wrong")];
    let (status, answer) = browser.post("/v1/client/sign_ins", &wrong).await;
    assert_eq!((status, code(&answer)), (422, "form_password_incorrect"));

    let right = [("identifier", ADA.0), ("password", ADA.1), ("locale", "en-US")];
    let (_, answer) = browser.post("/v1/client/sign_ins", &right).await;
    assert_eq!(answer["response"]["status"], "complete");
    assert_eq!(answer["client"]["sessions"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_are_said_at_their_field() {
    let server = Server::start().await;
    let mut browser = server.browser();
    let (status, answer) = browser.post("/v1/client/sign_ins", &[("identifier", "x@example.com")]).await;
    assert_eq!((status, code(&answer)), (422, "form_identifier_not_found"));
    assert_eq!(answer["errors"][0]["meta"]["param_name"], "identifier");

    let (_, step) = browser.post("/v1/client/sign_ins", &[("identifier", ADA.0)]).await;
    let path = attempt_path(&step);
    let (status, answer) = browser.post(&path, &[("strategy", "password"), ("password", "x")]).await;
    assert_eq!((status, code(&answer)), (422, "form_password_incorrect"));
    assert_eq!(answer["errors"][0]["meta"]["param_name"], "password");
    assert_eq!(
        answer["errors"][0]["long_message"],
        "Password is incorrect. Try again, or use another method."
    );
    let (_, client) = browser.get("/v1/client").await;
    assert_eq!(client["response"]["sessions"], json!([]));

    for (form, expected) in [
        ([("strategy", "password"), ("password", "")], "form_param_nil"),
        ([("strategy", "email_code"), ("code", "424242")], "strategy_for_user_invalid"),
    ] {
        let (status, answer) = browser.post(&path, &form).await;
        assert_eq!((status, code(&answer)), (422, expected));
    }
    let (status, _) = browser.post(&path, &[("strategy", "password"), ("password", ADA.1)]).await;
    assert_eq!(status, 200, "a wrong password must not end the attempt");
}

#[tokio::test]
async fn the_sign_in_of_another_browser_is_not_found() {
    let server = Server::start().await;
    let (_, step) = server.browser().post("/v1/client/sign_ins", &[("identifier", ADA.0)]).await;
    let mut other = server.browser();
    for _ in 0..2 {
        let (status, answer) = other.post(&attempt_path(&step), &[("password", ADA.1)]).await;
        assert_eq!((status, code(&answer)), (404, "resource_not_found"));
        other.post("/v1/client/sign_ins", &[("identifier", ADA.0)]).await;
    }
}

#[tokio::test]
async fn one_session_in_a_browser() {
    let server = Server::start().await;
    let mut browser = server.browser();
    let session = browser.sign_in().await;
    let (status, answer) = browser.post("/v1/client/sign_ins", &[("identifier", "grace@example.com")]).await;
    assert_eq!((status, code(&answer)), (400, "session_exists"));
    assert_eq!(answer["meta"]["client"]["sessions"][0]["id"], session.as_str());

    let mut other = server.browser();
    assert_ne!(other.sign_in().await, session, "another browser is another session");
}

#[tokio::test]
async fn the_cookie_is_for_the_server_alone() {
    let server = Server::start().await;
    let browser = server.browser();
    let create = browser.request(Method::POST, "/v1/client/sign_ins").form(&[("identifier", ADA.0)]);
    let cookie = set_cookie(&create.send().await.unwrap()).unwrap();
    let (pair, attributes) = cookie.split_once(';').unwrap();
    assert_eq!(attributes, " Path=/__clerk; HttpOnly; SameSite=Lax");
    assert!(pair.strip_prefix("__client=").unwrap().len() >= 40);

    // A tab that lags behind must not overwrite the cookie another tab signs in with.
    for path in ["/v1/client", "/v1/environment"] {
        let response = browser.request(Method::GET, path).send().await.unwrap();
        assert_eq!(set_cookie(&response), None, "{path}");
        assert_eq!(response.headers()["cache-control"], "no-store");
    }
}

#[tokio::test]
async fn a_cookie_of_the_same_name_from_elsewhere_does_no_harm() {
    let server = Server::start().await;
    let mut browser = server.browser();
    let session = browser.sign_in().await;
    browser.cookie = Some(format!("__client=planted; {}", browser.cookie.unwrap()));
    let (_, client) = browser.get("/v1/client").await;
    assert_eq!(client["response"]["sessions"][0]["id"], session.as_str());
}

#[tokio::test]
async fn every_way_out_ends_the_session() {
    for (path, status) in [("end", "ended"), ("remove", "removed"), ("", "")] {
        let server = Server::start().await;
        let mut browser = server.browser();
        let id = browser.sign_in().await;
        let answer = if path.is_empty() {
            browser.post("/v1/client/sessions?_method=DELETE", &[]).await.1["response"].clone()
        } else {
            let (_, answer) = browser.post(&format!("/v1/client/sessions/{id}/{path}"), &[]).await;
            assert_eq!(answer["response"]["status"], status);
            assert_eq!(answer["response"]["last_active_token"], Value::Null);
            answer["client"].clone()
        };
        assert_eq!(answer["sessions"], json!([]), "{path}");
        assert_eq!(answer["last_active_session_id"], Value::Null);
        // clerk-js takes "no client" for "no news", so there always is one.
        let (_, client) = browser.get("/v1/client").await;
        assert_eq!(client["response"]["sessions"], json!([]));
    }
}

#[tokio::test]
async fn a_dead_session_is_401_and_not_404() {
    let server = Server::start().await;
    let mut browser = server.browser();
    let id = browser.sign_in().await;
    browser.post("/v1/client/sessions?_method=DELETE", &[]).await;
    for path in ["tokens", "tokens/convex", "touch", "end", "remove"] {
        let path = format!("/v1/client/sessions/{id}/{path}");
        for browser in [&mut browser, &mut server.browser()] {
            let (status, answer) = browser.post(&path, &[]).await;
            assert_eq!((status, code(&answer)), (401, "signed_out"), "{path}");
        }
    }
}

#[tokio::test]
async fn another_browsers_session_is_no_ones() {
    let server = Server::start().await;
    let id = server.browser().sign_in().await;
    let mut other = server.browser();
    other.sign_in().await;
    let (status, _) = other.post(&format!("/v1/client/sessions/{id}/tokens"), &[]).await;
    assert_eq!(status, 401);
}

#[tokio::test]
async fn each_change_has_a_time_of_its_own() {
    let server = Server::start().await;
    let mut browser = server.browser();
    let id = browser.sign_in().await;
    let mut seen = Vec::new();
    for _ in 0..5 {
        let (_, touched) = browser.post(&format!("/v1/client/sessions/{id}/touch"), &[]).await;
        assert_eq!(touched["response"], touched["client"]["sessions"][0]);
        seen.push((touched["client"]["updated_at"].as_i64(), touched["response"]["updated_at"].as_i64()));
    }
    assert!(seen.is_sorted_by(|a, b| a.0 < b.0 && a.1 < b.1), "{seen:?}");
}

#[tokio::test]
async fn being_signed_in_outlives_the_server() {
    let server = Server::start().await;
    let mut browser = server.browser();
    let id = browser.sign_in().await;
    let again = Server::start_with(|settings| settings.data_dir = server.folder.path().join("data")).await;
    browser.base.clone_from(&again.base);
    let (_, client) = browser.get("/v1/client").await;
    assert_eq!(client["response"]["sessions"][0]["id"], id.as_str());
}

#[tokio::test]
async fn what_is_not_covered_says_so() {
    let server = Server::start().await;
    let mut browser = server.browser();
    for path in ["/v1/client/sign_ups", "/v1/me?_method=PATCH", "/v1/environment?_method=DELETE", "/nothing"]
    {
        let (status, answer) = browser.post(path, &[]).await;
        assert_eq!((status, code(&answer)), (404, "resource_not_found"), "{path}");
        assert!(answer["errors"][0]["long_message"].as_str().unwrap().contains("does not cover"));
    }
    let request = browser
        .request(Method::POST, "/v1/client/sign_ins")
        .header("content-type", "application/json")
        .body(r#"{"identifier":"ada@example.com"}"#);
    let (status, answer) = browser.send(request).await;
    assert_eq!((status, code(&answer)), (400, "request_body_invalid"));
}

#[tokio::test]
async fn the_environment_is_one_of_passwords_and_single_sessions() {
    let server = Server::start().await;
    let mut browser = server.browser();
    let (_, read) = browser.get("/v1/environment").await;
    let (_, touched) = browser.post("/v1/environment?_method=PATCH", &[]).await;
    assert_eq!(read, touched);
    assert_eq!(read["auth_config"]["single_session_mode"], true);
    let attributes = read["user_settings"]["attributes"].as_object().unwrap();
    let on: Vec<_> =
        attributes.iter().filter(|(_, value)| value["enabled"] == true).map(|(name, _)| name).collect();
    assert_eq!(on, ["email_address", "password"]);
}
