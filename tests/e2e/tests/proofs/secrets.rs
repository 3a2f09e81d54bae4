//! 7. No token, no part of one and no password is anywhere it does not belong.

use std::collections::BTreeSet;

use e2e::app::FOO;
use e2e::leaks::{Place, Secret, search};
use e2e::{Scene, WorldOptions, pause};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_visit_leaks_nothing_and_each_planted_leak_is_found() {
    let mut scene = Scene::start(WorldOptions::default()).await;

    // Everything a visit can be made of, failures included: errors are where secrets get printed.
    scene.open(FOO).await;
    scene.browser.click("#sign-in-offer button").await;
    scene.fill_in(&scene.ada().email, "not-her-password").await;
    scene.browser.wait_for(".cl-formFieldErrorText").await;
    scene.sign_in_at_foo().await;
    scene.browser.click("#foo-refresh").await;
    let url = format!("{}/elsewhere", scene.world.recorder.origin());
    scene.open("/requests").await;
    scene.browser.type_into("#request-url", &url).await;
    scene.browser.click("#request-send").await;
    scene.browser.wait_for_text("#request-result", |text| !text.is_empty()).await;
    scene.world.gate.answer(FOO, 403, &[], "");
    scene.open(FOO).await;
    scene.browser.wait_for("#foo-error").await;
    scene.world.gate.let_through();
    scene.world.stop_api().await;
    scene.browser.click("#foo-retry").await;
    pause(1000).await;
    scene.world.start_api().await;
    scene.browser.reload().await;
    scene.resource().await;
    refused_tokens(&scene).await;

    let network = scene.network().await;
    let secrets = scene.secrets(&network);
    let signed_in = scene.evidence().await;
    assert_eq!(search(&secrets, &signed_in), BTreeSet::new(), "while signed in");
    let outputs: Vec<_> = signed_in.outputs.iter().map(|(name, text)| (name.as_str(), text.len())).collect();
    for (name, text) in &signed_in.outputs {
        assert!(
            text.contains("DEBUG") || text.contains("TRACE"),
            "{name} was to print all it can: {} bytes",
            text.len()
        );
    }
    println!(
        "{} tokens and a password, in {} requests, {} console lines and {outputs:?} bytes of output: nothing",
        secrets.tokens(),
        network.exchanges.len(),
        signed_in.console.len()
    );

    scene.browser.click("#sign-out").await;
    scene.browser.wait_gone("#sign-out").await;
    // clerk-js tells of the end first and clears its cookies next; then they stay gone.
    let cookie = async || {
        let cookies = scene.browser.cookies().await;
        cookies.into_iter().find(|cookie| cookie.name.starts_with("__session") && !cookie.value.is_empty())
    };
    scene.browser.wait("the cookie to go", async || cookie().await.is_none().then_some(())).await;
    pause(1000).await;
    assert!(cookie().await.is_none(), "the cookie came back");
    let network = scene.network().await;
    assert_eq!(search(&scene.secrets(&network), &scene.evidence().await), BTreeSet::new(), "signed out");

    let token = network.with_authorization().last().and_then(|sent| sent.bearer()).unwrap().to_owned();
    each_planted_leak_is_found(&scene, &token).await;
}

/// Tokens the API has to refuse, and may be tempted to write down.
async fn refused_tokens(scene: &Scene) {
    let network = scene.network().await;
    let token = network.with_authorization()[0].bearer().unwrap().to_owned();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let (head, signature) = token.rsplit_once('.').unwrap();
    let swapped: String = signature.chars().rev().collect();
    for bad in [format!("{head}.{swapped}"), format!("{token}."), format!("{head}.")] {
        let answer = client.get(format!("{}{FOO}", scene.world.gate.origin())).bearer_auth(bad).send().await;
        assert_eq!(answer.unwrap().status(), 401);
    }
}

async fn each_planted_leak_is_found(scene: &Scene, token: &str) {
    let network = scene.network().await;
    let secrets = scene.secrets(&network);
    let plant = [
        (Place::Url, "fetch(arguments[0] + '/?t=' + arguments[1], {referrerPolicy: 'no-referrer'})"),
        (
            Place::Referrer,
            "const here = location.href; history.replaceState(history.state, '', '?t=' + arguments[1]);
             fetch(arguments[0] + '/r', {referrerPolicy: 'unsafe-url'})
                .then(() => history.replaceState(history.state, '', here))",
        ),
        (Place::Console, "console.info('signed in', {with: arguments[1]})"),
        (Place::LocalStorage, "localStorage.setItem('t', arguments[1])"),
        (Place::SessionStorage, "sessionStorage.setItem('t', arguments[1])"),
        (
            Place::IndexedDb,
            "const open = indexedDB.open('planted');
             open.onupgradeneeded = () => open.result.createObjectStore('s').put({t: arguments[1]}, 1);
             open.onsuccess = () => open.result.close()",
        ),
        (Place::Cookie("session".into()), "document.cookie = 'session=' + arguments[1]"),
    ];
    for (place, script) in plant {
        let arguments = [json!(scene.world.recorder.origin()), json!(token)];
        let _: Value = scene.browser.run(&format!("{script}; return null"), &arguments).await;
        let found: BTreeSet<_> = scene
            .browser
            .wait(&format!("the leak planted in {place:?} to be found"), async || {
                let leaks = search(&secrets, &scene.evidence().await);
                let here: BTreeSet<_> =
                    leaks.iter().filter(|leak| leak.place == place).map(|leak| leak.secret).collect();
                (!here.is_empty()).then_some(here)
            })
            .await;
        assert_eq!(found, [Secret::Token, Secret::Payload, Secret::Signature].into(), "{place:?}");
    }
    let mut evidence = scene.evidence().await;
    for (_, output) in &mut evidence.outputs {
        output.push_str(&format!("TRACE checked {token}\n"));
    }
    let leaks = search(&secrets, &evidence);
    for (name, _) in &evidence.outputs {
        assert!(leaks.iter().any(|leak| leak.place == Place::Output(name.clone())), "{name}");
    }
    let places: BTreeSet<_> = leaks.iter().map(|leak| &leak.place).collect();
    println!("planted and found in {places:?}");
}
