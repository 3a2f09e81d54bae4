//! 2. The token names the right person, session and app, and goes to the API and to nobody else.

use std::collections::HashMap;

use e2e::app::{FOO, claims};
use e2e::{Front, Scene, Site, WorldOptions};
use serde_json::{Value, json};

const FETCH: &str = "const done = arguments[arguments.length - 1];
    fetch(arguments[0], {headers: {authorization: 'Bearer ' + arguments[1]}})
        .then((answer) => done(answer.status), (error) => done(String(error)));";

#[tokio::test(flavor = "multi_thread")]
async fn the_token_is_right_and_goes_to_the_api_alone() {
    let scene = Scene::start(WorldOptions::default()).await;
    let (browser, api, recorder) = (&scene.browser, scene.world.gate.origin(), &scene.world.recorder);
    scene.sign_in_at_foo().await;

    // What clerk-js says, what the token says and what the API read from it are the same.
    let session: Value =
        browser.run("return {user: Clerk.user.id, session: Clerk.session.id, email: Clerk.user.primaryEmailAddress.emailAddress}", &[]).await;
    assert_eq!(session["email"], json!(scene.ada().email));
    let network = scene.network().await;
    let token = network.requests_for(&api, FOO)[0].bearer().expect("a token").to_owned();
    let said = claims(&token);
    assert_eq!((&said["sub"], &said["sid"]), (&session["user"], &session["session"]));
    assert_eq!(said["azp"], json!(scene.world.front.origin()));
    assert_eq!(said["v"], json!(2));
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let seen: Value =
        client.get(format!("{api}{FOO}")).bearer_auth(&token).send().await.unwrap().json().await.unwrap();
    assert_eq!(seen["askedBy"]["userId"], session["user"]);
    assert_eq!(seen["askedBy"]["sessionId"], session["session"]);
    assert_eq!(seen["askedBy"]["authorizedParty"], json!(scene.world.front.origin()));
    let asked_by = browser.text("#foo-asked-by").await.unwrap_or_default();
    assert!(asked_by.contains(session["user"].as_str().unwrap()), "the page says {asked_by:?}");
    scene.open_more().await;
    assert_eq!(browser.text("#foo-token-id").await.as_deref(), said["jti"].as_str());

    // The same client is asked for everything that is not the API, in every disguise.
    let (rec, gate) = (recorder.port(), scene.world.gate.port());
    scene.world.gate.answer("/moved", 302, &[("location", &format!("{}/moved-here", recorder.origin()))], "");
    let disguises = [
        format!("{}/absolute", recorder.origin()),
        format!("http://localhost:{rec}/other-port"),
        format!("http://localhost.evil.localhost:{rec}/look-alike"),
        format!("http://evil.localhost:{rec}/sub-domain"),
        format!("http://localhost:{gate}@127.0.0.1:{rec}/user-info"),
        format!("http://127.0.0.1:{gate}/same-server-other-name"),
        format!("//127.0.0.1:{rec}/scheme-relative"),
        format!("/\\127.0.0.1:{rec}/backslash"),
        format!("\\\\127.0.0.1:{rec}/backslashes"),
        format!("@127.0.0.1:{rec}/glued-on"),
        format!(" http://127.0.0.1:{rec}/space-first"),
        format!("HTTP://127.0.0.1:{rec}/upper-case"),
        format!("htt\tp://127.0.0.1:{rec}/tab-inside"),
        "/moved".to_owned(),
    ];
    scene.open("/requests").await;
    let mut answers = HashMap::new();
    for disguise in &disguises {
        let answer = ask(&scene, disguise, false).await;
        answers.insert(disguise.clone(), answer);
    }
    let proper = ask(&scene, FOO, false).await;
    assert!(proper.contains("200"), "through the same form the API answers, so the form works: {proper}");
    // Without a token the third origin is reached: that it saw no token is not for want of a way to it.
    let reached = ask(&scene, &format!("{}/anonymous", recorder.origin()), true).await;
    assert!(reached.contains("200 {\"recorded\":true}"), "{reached}");
    assert!(recorder.seen().iter().any(|seen| seen.path == "/anonymous"), "{:?}", recorder.seen());
    // A redirect of the resource itself.
    scene.world.gate.answer(FOO, 307, &[("location", &format!("{}/foo-moved", recorder.origin()))], "");
    scene.open(FOO).await;
    browser.wait_for("#foo-error").await;
    scene.world.gate.let_through();

    let network = scene.network().await;
    assert!(network.with_authorization().len() >= 3, "the API is asked with it");
    for seen in recorder.seen() {
        assert_eq!(seen.header("authorization"), None, "{seen:?}");
        assert_eq!(seen.header("cookie"), None, "{seen:?}");
    }
    let moved = network.requests_for(&api, "/moved");
    assert_eq!(moved[0].status, Some(302), "the redirect was given");
    println!(
        "{} requests carried the header, all to {api}; {} reached the third origin, none with it; answers: {answers:#?}",
        network.with_authorization().len(),
        recorder.seen().len()
    );

    // With a page that wants to give it away, the recorder does get it: it would have been seen above.
    scene.open("/").await;
    let status: Value =
        browser.run_async(FETCH, &[json!(format!("{}/control", recorder.origin())), json!("control")]).await;
    assert_eq!(status, json!(200));
    assert_eq!(recorder.seen().last().unwrap().header("authorization"), Some("Bearer control"));
}

/// Sends a GET through the form of `/requests` and waits for what it shows.
async fn ask(scene: &Scene, url: &str, anonymous: bool) -> String {
    let browser = &scene.browser;
    // Set at once, as by pasting: keys cannot type a tab into a field.
    let fill = "const field = document.querySelector('#request-url');
        field.value = arguments[0];
        field.dispatchEvent(new InputEvent('input', {bubbles: true}));
        const box = document.querySelector('#request-anonymous');
        if (box.checked !== arguments[1]) box.click();
        return document.querySelector('#request-result')?.dataset.number ?? null";
    browser.wait_for("#request-url").await;
    let before: Option<String> = browser.run(fill, &[json!(url), json!(anonymous)]).await;
    browser.click("#request-send").await;
    let answer = "const shown = document.querySelector('#request-result');
        return shown?.dataset.settled === 'true' && shown.dataset.number !== arguments[0] ? shown.innerText : null";
    let answer = browser
        .wait(&format!("an answer for {url}"), async || {
            browser.run::<Option<String>>(answer, &[json!(before)]).await
        })
        .await;
    let (asked, answer) = answer.split_once('\n').expect("what was asked for, then the answer");
    let plain = |text: &str| text.split_whitespace().collect::<String>();
    assert_eq!(plain(asked), plain(url), "it was asked for what was typed");
    answer.trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn other_origins_get_nothing_from_the_api() {
    let scene = Scene::start(WorldOptions::default()).await;
    let (browser, api) = (&scene.browser, scene.world.gate.origin());
    scene.sign_in_at_foo().await;
    let network = scene.network().await;
    let asked = network.requests_to(&api);
    let preflight = asked.iter().find(|sent| sent.preflight).expect("a preflight");
    let app = scene.world.front.origin();
    assert_eq!(preflight.response_header("access-control-allow-origin"), Some(app.as_str()));
    assert_eq!(preflight.response_header("access-control-allow-credentials"), None);
    let token = network.requests_for(&api, FOO)[0].bearer().unwrap().to_owned();

    // A page of another origin that holds the very token is stopped by the browser before it is sent.
    let pages = HashMap::from([("/".to_owned(), "<!doctype html><title>other</title>".to_owned())]);
    let other = Front::start(Site::Pages(pages), None, 0).await;
    browser.goto(&other.origin()).await;
    let answer: Value = browser.run_async(FETCH, &[json!(format!("{api}{FOO}")), json!(token)]).await;
    assert!(answer.as_str().is_some_and(|answer| answer.contains("TypeError")), "{answer}");
    let network = browser.network().await;
    let from_other: Vec<_> =
        network.requests_to(&api).into_iter().filter(|sent| sent.initiator == other.origin()).collect();
    assert_eq!(from_other.len(), 1, "the preflight, and nothing after it: {from_other:#?}");
    assert!(from_other[0].preflight);
    assert_eq!(from_other[0].response_header("access-control-allow-origin"), None);

    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let origins = [
        "null".to_owned(),
        other.origin(),
        format!("{app}.evil.example"),
        format!("{app}0"),
        app.replace("http:", "https:"),
        app.replace("localhost", "127.0.0.1"),
        app.to_uppercase(),
    ];
    for origin in origins {
        let asked = client
            .request(reqwest::Method::OPTIONS, format!("{api}{FOO}"))
            .header("origin", &origin)
            .header("access-control-request-method", "GET")
            .header("access-control-request-headers", "authorization");
        let answer = asked.send().await.unwrap();
        assert!(answer.headers().get("access-control-allow-origin").is_none(), "{origin}: {answer:?}");
        let got =
            client.get(format!("{api}{FOO}")).bearer_auth(&token).header("origin", &origin).send().await;
        let got = got.unwrap();
        assert!(got.headers().get("access-control-allow-origin").is_none(), "{origin}: {got:?}");
        let vary = got
            .headers()
            .get_all("vary")
            .iter()
            .any(|vary| vary.to_str().unwrap().to_ascii_lowercase().contains("origin"));
        assert!(vary, "{origin}: {got:?}");
    }
    println!("preflights of 7 other origins refused; a page of another origin could not send the token");
}
