//! Organizations, JWT templates, and several people in one browser.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use reqwest::Method;
use serde_json::{Value, json};
use support::{ADA, Browser, GRACE, GROUP, SOCIETY, Server, WORKS, claims, code, touch};

async fn token(browser: &mut Browser, session: &str, form: &[(&str, &str)]) -> (u16, Value) {
    browser.post(&format!("/v1/client/sessions/{session}/tokens"), form).await
}

async fn template(browser: &mut Browser, session: &str, name: &str) -> (u16, Value) {
    let path = format!("/v1/client/sessions/{session}/tokens/{name}");
    let request = browser.request(Method::POST, &path);
    browser.send(request).await
}

#[tokio::test]
async fn two_share_one_and_each_has_one_alone() {
    let server = Server::start().await;
    let mut of = Vec::new();
    for person in [ADA, GRACE] {
        let mut browser = server.browser();
        browser.sign_in_as(person).await;
        let (_, client) = browser.get("/v1/client").await;
        let places = client["response"]["sessions"][0]["user"]["organization_memberships"].clone();
        of.push(places.as_array().unwrap().clone());
    }
    let ids = |places: &[Value]| -> Vec<String> {
        places.iter().map(|place| place["organization"]["id"].as_str().unwrap().to_owned()).collect()
    };
    let (ada, grace) = (ids(&of[0]), ids(&of[1]));
    assert!(ada.contains(&SOCIETY.into()) && grace.contains(&SOCIETY.into()));
    assert!(ada.contains(&WORKS.into()) && !grace.contains(&WORKS.into()));
    assert!(grace.contains(&GROUP.into()) && !ada.contains(&GROUP.into()));

    let (hers, member) = (&of[0][0], &of[1][0]);
    assert_eq!((&hers["role"], &member["role"]), (&json!("org:admin"), &json!("org:member")));
    let may = |place: &Value, what: &str| place["permissions"].as_array().unwrap().contains(&json!(what));
    assert!(may(hers, "org:posts:manage") && may(member, "org:posts:read"));
    assert!(!may(member, "org:posts:manage"));
    assert_eq!(hers["organization"]["members_count"], 2);
    assert_ne!(hers["id"], member["id"], "a membership is one person's");
}

#[tokio::test]
async fn what_a_touch_makes_active_is_in_the_tokens_until_another_one() {
    let server = Server::start().await;
    let mut browser = server.browser();
    let session = browser.sign_in().await;
    let (_, before) = touch(&mut browser, &session, &[("active_organization_id", "")]).await;
    assert_eq!(before.get("o"), None);
    assert_eq!((&before["fea"], &before["pla"]), (&json!("u:export"), &json!("u:pro")));

    let form = [("active_organization_id", SOCIETY), ("intent", "select_org")];
    let (answer, claims_then) = touch(&mut browser, &session, &form).await;
    let o = json!({
        "id": SOCIETY, "slg": "analytical-society", "rol": "admin", "per": "read,manage", "fpm": "3,0",
    });
    assert_eq!(claims_then["o"], o);
    assert_eq!(claims_then["fea"], "o:posts,o:insights,u:export");
    assert_eq!(claims_then["pla"], "u:pro,o:business");
    assert_eq!(claims_then["v"], 2);
    assert_eq!(answer["response"]["last_active_organization_id"], SOCIETY);
    assert_eq!(answer["client"]["sessions"][0]["last_active_organization_id"], SOCIETY);

    // A touch by focus names none.
    let (_, after) = touch(&mut browser, &session, &[("intent", "focus")]).await;
    assert_eq!(after["o"]["id"], SOCIETY);
    let (_, none) = touch(&mut browser, &session, &[("active_organization_id", "")]).await;
    assert_eq!(none.get("o"), None);
}

#[tokio::test]
async fn a_token_can_be_had_for_an_organization_that_is_not_active() {
    let server = Server::start().await;
    let mut browser = server.browser();
    let session = browser.sign_in().await;
    touch(&mut browser, &session, &[("active_organization_id", SOCIETY)]).await;
    let id = |(status, answer): (u16, Value)| {
        assert_eq!(status, 200, "{answer}");
        claims(&answer["jwt"])["o"]["id"].clone()
    };
    assert_eq!(id(token(&mut browser, &session, &[("organization_id", WORKS)]).await), WORKS);
    assert_eq!(id(token(&mut browser, &session, &[("organization_id", "")]).await), Value::Null);
    assert_eq!(id(token(&mut browser, &session, &[]).await), SOCIETY, "the active one, as it was");
}

#[tokio::test]
async fn nobody_gets_into_an_organization_that_is_not_theirs() {
    let server = Server::start().await;
    let mut browser = server.browser();
    let session = browser.sign_in().await;
    touch(&mut browser, &session, &[("active_organization_id", SOCIETY)]).await;
    for id in [GROUP, "org_nowhere"] {
        let (status, answer) = token(&mut browser, &session, &[("organization_id", id)]).await;
        assert_eq!((status, code(&answer)), (404, "organization_not_found_or_unauthorized"));
        let path = format!("/v1/client/sessions/{session}/touch");
        let (status, _) = browser.post(&path, &[("active_organization_id", id)]).await;
        assert_eq!(status, 404);
    }
    let (_, claims) = touch(&mut browser, &session, &[]).await;
    assert_eq!(claims["o"]["id"], SOCIETY, "the one before stays");
}

#[tokio::test]
async fn memberships_come_in_parts_for_the_session_that_is_named() {
    let server = Server::start().await;
    let mut browser = server.browser();
    let session = browser.sign_in().await;
    let path = |query: &str| format!("/v1/me/organization_memberships?paginated=true{query}");
    let me = format!("&_clerk_session_id={session}");

    let (status, all) = browser.get(&path(&me)).await;
    assert_eq!((status, &all["response"]["total_count"]), (200, &json!(3)));
    assert_eq!(all["response"]["data"][0]["organization"]["id"], SOCIETY);
    assert_eq!(all["response"]["data"][0]["public_user_data"]["identifier"], ADA.0);
    let (_, second) = browser.get(&path(&format!("{me}&limit=1&offset=1"))).await;
    assert_eq!(second["response"]["total_count"], 3);
    assert_eq!(second["response"]["data"].as_array().unwrap().len(), 1);
    assert_eq!(second["response"]["data"][0], all["response"]["data"][1]);

    let (_, user) = browser.get(&format!("/v1/me?_clerk_session_id={session}")).await;
    assert_eq!(user["response"]["organization_memberships"], all["response"]["data"]);
    for empty in ["organization_invitations", "organization_suggestions"] {
        let (_, answer) = browser.get(&format!("/v1/me/{empty}?_clerk_session_id={session}")).await;
        assert_eq!(answer["response"], json!({ "data": [], "total_count": 0 }));
    }

    for nobody in ["", "&_clerk_session_id=sess_x"] {
        let (status, answer) = browser.get(&path(nobody)).await;
        assert_eq!((status, code(&answer)), (401, "signed_out"), "{nobody}");
    }
    let (status, _) = server.browser().get(&path(&me)).await;
    assert_eq!(status, 401, "another browser's session");
}

#[tokio::test]
async fn a_template_says_what_it_was_told_to_and_names_no_session() {
    let server = Server::start().await;
    let mut browser = server.browser();
    let session = browser.sign_in().await;
    let (status, answer) = template(&mut browser, &session, "convex").await;
    assert_eq!((status, &answer["object"]), (200, &json!("token")));
    let convex = claims(&answer["jwt"]);
    assert_eq!((&convex["aud"], &convex["name"]), (&json!("convex"), &json!("Ada Lovelace")));
    assert_eq!((&convex["email"], convex.get("sid")), (&json!(ADA.0), None));
    assert_eq!(convex["sub"], server.dev.people()[0].id());
    assert_eq!(convex["exp"].as_i64().unwrap() - convex["iat"].as_i64().unwrap(), 60);
    assert_eq!(convex["iss"], server.dev.issuer());

    let body = json!({ "claims": { "org": "{{org.slug}}", "n": 1 }, "lifeSeconds": 7 });
    let (status, _) = server.control.send(Method::PUT, "/templates/mine", Some(body)).await;
    assert_eq!(status, 200);
    touch(&mut browser, &session, &[("active_organization_id", WORKS)]).await;
    let (_, answer) = template(&mut browser, &session, "mine").await;
    let mine = claims(&answer["jwt"]);
    assert_eq!((&mine["org"], &mine["n"]), (&json!("engine-works"), &json!(1)));
    assert_eq!(mine["exp"].as_i64().unwrap() - mine["iat"].as_i64().unwrap(), 7);
}

#[tokio::test]
async fn a_template_that_is_not_there_is_a_404_and_one_cannot_sign_in_as_another() {
    let server = Server::start().await;
    let mut browser = server.browser();
    let session = browser.sign_in().await;
    let (status, answer) = template(&mut browser, &session, "mine").await;
    assert_eq!((status, code(&answer)), (404, "resource_not_found"));
    assert_eq!(answer["errors"][0]["message"], "No JWT template exists with name: mine");
    let body = Some(json!({ "claims": { "sub": "user_root" } }));
    let (status, answer) = server.control.send(Method::PUT, "/templates/mine", body).await;
    assert_eq!((status, &answer["error"]["code"]), (422, &json!("request_wrong")));
    let (status, _) = server.control.send(Method::DELETE, "/templates/convex", None).await;
    assert_eq!(status, 200);
    assert_eq!(template(&mut browser, &session, "convex").await.0, 404);
    assert_eq!(server.control.send(Method::DELETE, "/templates/convex", None).await.0, 404);
}

#[tokio::test]
async fn several_are_signed_in_in_one_browser_when_asked_for() {
    let server = Server::start_with(|settings| settings.several_sessions = true).await;
    let mut browser = server.browser();
    let (_, environment) = browser.get("/v1/environment").await;
    assert_eq!(environment["auth_config"]["single_session_mode"], false);
    let ada = browser.sign_in().await;
    let grace = browser.sign_in_as(GRACE).await;
    let (_, client) = browser.get("/v1/client").await;
    assert_eq!(client["response"]["sessions"].as_array().unwrap().len(), 2);
    assert_eq!(client["response"]["last_active_session_id"], json!(grace));

    let (answer, claims_of_ada) = touch(&mut browser, &ada, &[]).await;
    assert_eq!(answer["client"]["last_active_session_id"], json!(ada));
    assert_eq!(claims_of_ada["sid"], json!(ada));
    // Twice the same person is one too many.
    let (status, again) = browser.post("/v1/client/sign_ins", &[("identifier", GRACE.0)]).await;
    assert_eq!((status, code(&again)), (400, "identifier_already_signed_in"));
    assert_eq!(again["errors"][0]["meta"]["session_id"], json!(grace));

    // Each has organizations of their own, and one signs out without the other.
    assert_eq!(token(&mut browser, &grace, &[("organization_id", WORKS)]).await.0, 404);
    assert_eq!(token(&mut browser, &ada, &[("organization_id", WORKS)]).await.0, 200);
    let (status, _) = browser.post(&format!("/v1/client/sessions/{ada}/remove"), &[]).await;
    assert_eq!(status, 200);
    assert_eq!(token(&mut browser, &ada, &[]).await.0, 401);
    assert_eq!(token(&mut browser, &grace, &[]).await.0, 200);
}
