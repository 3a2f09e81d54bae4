//! The log sees everything and the search finds everything: without that, no other proof here is worth a thing.

use std::collections::{BTreeSet, HashMap};
use std::process::Command;
use std::time::Duration;

use e2e::leaks::{Evidence, Leak, Place, Secret, Secrets, search, tokens_in};
use e2e::{Browser, Front, Recorder, Running, Site, eventually};
use serde_json::{Value, json};

const EMPTY: &str = "<!doctype html><meta charset=utf-8><title>empty</title><link rel=icon href=data:,>";

async fn site() -> Front {
    let pages = HashMap::from([("/".to_owned(), EMPTY.to_owned()), ("/other".to_owned(), EMPTY.to_owned())]);
    Front::start(Site::Pages(pages), None, 0).await
}

/// Fetches with a token and tells how it went.
const FETCH: &str = "const done = arguments[arguments.length - 1];
    fetch(arguments[0], {headers: {authorization: 'Bearer ' + arguments[1]}})
        .then((answer) => done(answer.status), (error) => done(String(error)));";

fn token(name: &str) -> String {
    let part = |what: &str| format!("{what}-of-{name}-").repeat(3);
    format!("eyJ{}.{}.{}", part("header"), part("payload"), part("signature"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cross_origin_fetch_is_logged_with_its_preflight_and_its_header() {
    let (front, recorder, browser) = (site().await, Recorder::start().await, Browser::start().await);
    browser.goto(&front.origin()).await;
    let status: Value =
        browser.run_async(FETCH, &[json!(format!("{}/a", recorder.origin())), json!("abc")]).await;
    assert_eq!(status, json!(200));

    let network = browser.network().await;
    let sent = network.requests_to(&recorder.origin());
    let kinds: Vec<_> = sent.iter().map(|exchange| (exchange.method.as_str(), exchange.preflight)).collect();
    assert_eq!(kinds, [("OPTIONS", true), ("GET", false)], "{sent:#?}");
    assert_eq!(sent[0].request_header("access-control-request-headers"), Some("authorization"));
    assert_eq!((sent[1].bearer(), sent[1].status), (Some("abc"), Some(200)));
    assert_eq!(sent[1].initiator, front.origin());
    assert_eq!(network.with_authorization().len(), 1, "a preflight carries none");
    assert_eq!(network.fetches_for(&recorder.origin(), "/a").len(), 1);

    // The log and the server agree on what was sent.
    let seen = recorder.seen();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[1].header("authorization"), Some("Bearer abc"));
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_refusals_workers_other_windows_and_cookies_are_logged() {
    let (front, recorder, browser) = (site().await, Recorder::start().await, Browser::start().await);
    let other = Recorder::start().await;
    browser.goto(&front.origin()).await;

    let redirect = format!("{}/from?redirect={}/to", recorder.origin(), other.origin());
    let _: Value = browser.run_async(FETCH, &[json!(redirect), json!("abc")]).await;
    let refused = front.origin().replace(&front.port().to_string(), "1");
    let answer: Value = browser.run_async(FETCH, &[json!(format!("{refused}/gone")), json!("abc")]).await;
    assert!(answer.is_string(), "the port is closed: {answer}");
    let worker = "const done = arguments[arguments.length - 1];
        const code = new Blob([`fetch('${arguments[0]}').then(() => postMessage(1))`]);
        new Worker(URL.createObjectURL(code)).onmessage = () => done(null);";
    let _: Value = browser.run_async(worker, &[json!(format!("{}/worker", recorder.origin()))]).await;

    let first = browser.tab().await;
    browser.new_window().await;
    browser.goto(&format!("{}/other", front.origin())).await;
    let _: Value = browser.run("document.cookie = 'planted=1'", &[]).await;
    browser.reload().await;
    let visible: Vec<String> = vec![browser.run("return document.visibilityState", &[]).await, {
        browser.switch_to(&first).await;
        browser.run("return document.visibilityState", &[]).await
    }];
    assert_eq!(visible, ["visible", "visible"], "two windows, both to be seen");

    let network = browser.network().await;
    assert_eq!(network.requests_for(&recorder.origin(), "/from")[0].status, Some(302));
    assert!(!network.requests_for(&other.origin(), "/to").is_empty());
    assert!(!network.requests_for(&recorder.origin(), "/worker").is_empty());
    let gone = network.fetches_for(&refused, "/gone");
    assert_eq!(gone.len(), 1);
    assert!(gone[0].ended.is_some());
    let errors: Vec<_> = network.requests_to(&refused).iter().map(|exchange| exchange.net_error).collect();
    assert_eq!(errors, [Some(-312)], "port 1 is forbidden to browsers");
    let cookies: Vec<_> = network
        .requests_for(&front.origin(), "/other")
        .iter()
        .map(|exchange| exchange.request_header("cookie").map(str::to_owned))
        .collect();
    assert_eq!(cookies, [None, Some("planted=1".to_owned())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clean_page_has_no_leak_and_each_planted_one_is_found() {
    let (front, recorder, browser) = (site().await, Recorder::start().await, Browser::start().await);
    let folder = tempfile::tempdir().unwrap();
    browser.goto(&front.origin()).await;

    // Each place has a token of its own, so that what is found tells where it came from.
    let plant: Vec<(Place, &str)> = vec![
        (Place::Url, "fetch(arguments[0] + '/?t=' + arguments[1], {referrerPolicy: 'no-referrer'})"),
        (
            Place::Referrer,
            "history.replaceState(null, '', '/other?t=' + arguments[1]);
             fetch(arguments[0] + '/r', {referrerPolicy: 'unsafe-url'})
                 .then(() => history.replaceState(null, '', '/'))",
        ),
        (
            Place::RequestHeader("x-token".into()),
            "fetch(arguments[0] + '/h', {headers: {'x-token': arguments[1]}})",
        ),
        (
            Place::RequestHeader("authorization".into()),
            "fetch(arguments[0] + '/b', {headers: {authorization: 'Bearer ' + arguments[1]}})",
        ),
        (Place::Console, "console.debug({deep: {down: [arguments[1]]}})"),
        (Place::LocalStorage, "localStorage.setItem('k', JSON.stringify({t: arguments[1]}))"),
        (Place::SessionStorage, "sessionStorage.setItem(arguments[1], '')"),
        (
            Place::IndexedDb,
            "const open = indexedDB.open('d'); const value = {bytes: new TextEncoder().encode(arguments[1])};
             open.onupgradeneeded = () => open.result.createObjectStore('s').put(value, 'k');
             open.onsuccess = () => open.result.close()",
        ),
        (
            Place::CacheStorage,
            "caches.open('c').then((cache) => cache.put('/cached', new Response(arguments[1])))",
        ),
        (Place::Page, "history.pushState({deep: [arguments[1]]}, '')"),
        (Place::Cookie("mine".into()), "document.cookie = 'mine=' + arguments[1]"),
    ];
    let mut processes = Vec::new();
    let mut gather = async || Evidence {
        network: browser.network().await,
        console: browser.console().await.into_iter().map(|line| line.text).collect(),
        storage: vec![browser.storage().await],
        cookies: browser.cookies().await,
        outputs: processes_output(&mut processes, folder.path(), &token("output")).await,
        api_origin: "http://api.invalid".into(),
        app_origin: front.origin(),
    };

    let clean = gather().await;
    let mut everything = Secrets::default();
    for (place, _) in &plant {
        everything.token(&token(&slug(place)));
    }
    assert_eq!(search(&everything, &clean), BTreeSet::new());

    for (place, script) in &plant {
        let arguments = [json!(recorder.origin()), json!(token(&slug(place)))];
        let _: Value = browser.run(&format!("{script}; return null"), &arguments).await;
    }
    // The planting is not awaited: wait for its last effects.
    let dirty = eventually("every leak to be found", async || {
        let evidence = gather().await;
        let found =
            |place: &Place| search(&only(&slug(place)), &evidence).iter().any(|leak| leak.place == *place);
        plant.iter().all(|(place, _)| found(place)).then_some(evidence)
    })
    .await;
    for (place, _) in &plant {
        let found = search(&only(&slug(place)), &dirty);
        let secrets: BTreeSet<_> =
            found.iter().filter(|leak| leak.place == *place).map(|leak| leak.secret).collect();
        assert_eq!(
            secrets,
            [Secret::Token, Secret::Payload, Secret::Signature].into(),
            "{place:?}: {found:?}"
        );
    }
    let printed: BTreeSet<_> = search(&only("output"), &dirty).into_iter().map(|leak| leak.place).collect();
    assert_eq!(printed, [Place::Output("sh".into())].into());

    // Clerk's own cookies are where a token belongs; and a part alone is a leak too.
    let mut evidence = clean;
    evidence.cookies = dirty.cookies.clone();
    evidence.cookies.iter_mut().for_each(|cookie| cookie.name = "__session_abc".into());
    assert_eq!(search(&only(&slug(&Place::Cookie("mine".into()))), &evidence), BTreeSet::new());
    evidence.console = vec![token("part").split('.').nth(1).unwrap().to_owned()];
    let found: Vec<Leak> = search(&only("part"), &evidence).into_iter().collect();
    assert!(matches!(&found[..], [Leak { place: Place::Console, secret: Secret::Payload, .. }]), "{found:?}");
}

async fn processes_output(
    processes: &mut Vec<Running>,
    folder: &std::path::Path,
    text: &str,
) -> Vec<(String, String)> {
    if processes.is_empty() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo \"out $0\" >&2", text]);
        processes.push(Running::start("sh", &mut command, folder));
    }
    let printed =
        eventually("sh to print", async || Some(processes[0].output()).filter(|out| !out.is_empty())).await;
    vec![("sh".to_owned(), printed)]
}

fn slug(place: &Place) -> String {
    format!("{place:?}").chars().filter(char::is_ascii_alphanumeric).collect()
}

fn only(name: &str) -> Secrets {
    let mut secrets = Secrets::default();
    secrets.token(&token(name));
    secrets
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_running_when_a_test_panics() {
    let test = std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let browser = Browser::start().await;
            browser.goto("about:blank").await;
            std::panic::panic_any(browser.processes());
        })
    });
    let ended: Result<(), _> = tokio::task::spawn_blocking(|| test.join()).await.unwrap();
    let pid = ended.unwrap_err();
    let pids = *pid.downcast::<Vec<u32>>().expect("the numbers of the processes");
    assert_eq!(pids.len(), 2, "chromedriver and Chromium");
    e2e::eventually_within(Duration::from_secs(5), "both to be gone", async || {
        pids.iter().all(|pid| !alive(*pid)).then_some(())
    })
    .await;
}

/// There, and no zombie.
fn alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

#[test]
fn tokens_are_told_from_other_text() {
    let real = token("x");
    let text = format!("{{\"jwt\":\"{real}\",\"object\":\"eyJhbGciOi.no.short\",\"v\":\"1.2.3\"}}");
    assert_eq!(tokens_in(&text), [real]);
}
