//! 11. The cache belongs to one session and organization: held while clerk-js does not know, back if it was the same,
//!     gone if it was another.

use std::time::Duration;

use e2e::{Lab, Person, WorldOptions, pause};
use serde_json::json;

const LIFE: WorldOptions = WorldOptions { token_life: Some(Duration::from_secs(300)), lab: true };

/// Notes what has been painted of the things since clerk-js last named another session or organization.
const WATCH: &str = "window.painted = new Set();
    const whose = () => `${Clerk.session?.id} ${Clerk.session?.lastActiveOrganizationId}`;
    let before = whose();
    Clerk.addListener(() => { if (whose() !== before) { before = whose(); painted.clear(); } }, {skipInitialEmit: true});
    const note = () => document.querySelectorAll('.thing, #own').forEach((e) => painted.add(e.textContent));
    const frame = () => { setTimeout(note); requestAnimationFrame(frame); };
    requestAnimationFrame(frame);
    return null";

async fn watch(lab: &Lab) {
    let _: serde_json::Value = lab.browser().run(WATCH, &[]).await;
}

async fn painted(lab: &Lab) -> Vec<String> {
    lab.browser().run("return [...painted]", &[]).await
}

/// Another person signs in beside the first, and becomes the active one.
async fn sign_in_beside(lab: &Lab, person: &Person) {
    let answer: serde_json::Value = lab
        .clerk(&format!(
            "const attempt = await Clerk.client.signIn.create({{identifier: {:?}, password: {:?}}});
            window.beside = attempt.createdSessionId; return beside",
            person.email, person.password
        ))
        .await;
    assert!(answer.as_str().is_some_and(|id| id.starts_with("sess_")), "{answer}");
}

/// Has clerk-js take its time between two states, in which it says `undefined`, and notes what is painted meanwhile.
const LONG_WAY: &str = "window.states = []; window.during = new Set();
    Clerk.addListener(({session}) => states.push(session === undefined ? 'undefined' : 'known'), {skipInitialEmit: true});
    let over = false;
    const frame = () => { if (over) return; requestAnimationFrame(frame); setTimeout(() => {
        if (document.querySelector('#who').textContent === 'loading')
            document.querySelectorAll('.thing, #own').forEach((e) => during.add(e.textContent)); }); };
    requestAnimationFrame(frame);
    const navigate = () => new Promise((done) => setTimeout(done, 4000));
    Clerk.setActive({session: Clerk.session.id, navigate}).then(() => { over = true; });
    return null";

#[tokio::test(flavor = "multi_thread")]
async fn the_same_person_again_has_everything_back_without_a_request() {
    let lab = Lab::signed_in(LIFE).await;
    let (gate, front) = (&lab.world().gate, &lab.world().front);
    lab.browser().wait_for_text("#own", |text| text.contains("Ada")).await;
    let (before, shown) = (gate.arrivals("/me"), lab.shown().await);
    lab.browser().run::<serde_json::Value>(LONG_WAY, &[]).await;
    lab.who(|who| who == "loading").await;
    front.take_asked();
    pause(2_500).await;
    // The query with an interval of two seconds would have asked.
    let asked = front.take_asked();
    assert!(asked.is_empty(), "while held: {asked:?}");
    assert_eq!(lab.who(|_| true).await, "loading", "held all the while");
    lab.things(|thing| thing.starts_with("user_")).await;
    pause(500).await;
    let states: Vec<String> = lab.browser().run("return states", &[]).await;
    let during: Vec<String> = lab.browser().run("return [...during]", &[]).await;
    assert!(states.iter().any(|state| state == "undefined"), "{states:?}");
    assert!(!during.is_empty() && during.iter().all(|text| text.is_empty() || text == "…"), "{during:?}");
    assert_eq!((gate.arrivals("/me"), lab.shown().await), (before, shown));
    println!(
        "setActive to the same session: clerk-js said {states:?}, no request, everything shown; held: {during:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_organization_and_another_person_see_nothing_of_the_former() {
    let lab = Lab::signed_in(LIFE).await;
    let gate = &lab.world().gate;
    let ada = lab.shown().await[0].clone();

    // To an organization of hers, with answers for nobody's organization under way.
    watch(&lab).await;
    gate.hold(Duration::from_millis(1_500));
    let _: () = lab.call("invalidate", &[]).await;
    pause(300).await;
    let society = "org_0000000000AnalyticalSociety";
    let _: serde_json::Value =
        lab.clerk(&format!("await Clerk.setActive({{organization: {society:?}}})")).await;
    lab.who(|who| who.ends_with(society)).await;
    let stored = lab.stored().await;
    assert!(stored.lines().all(|line| line.contains(society)), "of before: {stored}");
    pause(1_500).await;
    gate.hold(Duration::ZERO);
    lab.things(|thing| thing.ends_with(society)).await;
    let ever = painted(&lab).await;
    assert!(!ever.contains(&ada), "the late answers: {ever:?}");
    let stored = lab.stored().await;
    assert!(!stored.is_empty() && stored.lines().all(|line| line.contains(society)), "{stored}");

    // To another person, in the same browser, with slow answers and a write of the first under way.
    gate.hold(Duration::from_millis(1_500));
    sign_in_beside(&lab, &lab.world().person("grace@example.com")).await;
    lab.begin("write_back", &[json!(3)]).await;
    let _: () = lab.call("invalidate", &[]).await;
    pause(300).await;
    let _: serde_json::Value = lab.clerk("await Clerk.setActive({session: beside})").await;
    lab.who(|who| who.contains("Grace")).await;
    assert!(!lab.stored().await.contains("Ada"));
    assert_eq!(lab.came().await, json!(false), "the write of the first person was not taken");
    gate.hold(Duration::ZERO);
    let grace = lab.things(|thing| thing.contains("Grace")).await;
    let (ever, stored) = (painted(&lab).await, lab.stored().await);
    assert!(!ever.iter().any(|text| text.contains("Ada")), "{ever:?}");
    assert!(!stored.contains("Ada"), "{stored}");
    println!("{ada:?}, then {society}, then {:?}: of the former nothing was shown or stored", grace[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn three_tabs_let_go_when_one_signs_out() {
    let lab = Lab::signed_in(LIFE).await;
    let (browser, gate) = (lab.browser(), &lab.world().gate);
    let mut tabs = vec![browser.tab().await];
    for _ in 0..2 {
        tabs.push(browser.new_window().await);
        lab.scene.open("/").await;
        lab.things(|thing| thing.contains("Ada")).await;
    }
    // Slow answers under way in each.
    gate.hold(Duration::from_millis(2_000));
    for tab in &tabs {
        browser.switch_to(tab).await;
        let _: () = lab.call("invalidate", &[]).await;
        watch(&lab).await;
        let heard = "window.heard = null; window.unseen = null; new BroadcastChannel('clerk').onmessage = (event) => {
                if (event.data?.type === 'signout') { heard ??= performance.now(); unseen = document.hidden; } };
            window.lastSeen = null;
            const look = () => { if (document.body.textContent.includes('Ada')) lastSeen = performance.now();
                requestAnimationFrame(look); };
            requestAnimationFrame(look); return null";
        let _: serde_json::Value = browser.run(heard, &[]).await;
    }
    // The third is hidden behind another; WebDriver brings it back to the front when it goes on in it.
    browser.new_tab().await;
    pause(300).await;
    browser.switch_to(&tabs[0]).await;
    let stored: String =
        lab.clerk("const over = Clerk.signOut(); await new Promise((done) => { const wait = () => Clerk.session ? setTimeout(wait, 1) : done(); wait(); });
            return lab.stored()").await;
    assert!(!stored.contains("Ada"), "{stored}");
    let mut took = Vec::new();
    for tab in &tabs[1..] {
        browser.switch_to(tab).await;
        lab.who(|who| who == "out").await;
        let late: f64 = browser
            .wait("the word of the first tab", async || {
                browser.run("return heard === null ? null : lastSeen - heard", &[]).await
            })
            .await;
        assert!(late < 500.0, "shown for {late} ms more");
        took.push(late.max(0.0).round());
        assert!(!lab.stored().await.contains("Ada"));
    }
    pause(2_500).await;
    for tab in &tabs {
        browser.switch_to(tab).await;
        let (stored, text) = (lab.stored().await, browser.text("body").await.unwrap_or_default());
        assert!(!stored.contains("Ada") && !text.contains("Ada"), "the late answers: {stored} {text}");
    }
    // The current tab was hidden at the time: none of the frames that it has painted since shows the former.
    let painted = painted(&lab).await;
    let after: bool = browser.run("return unseen && lastSeen <= heard", &[]).await;
    assert!(after && !painted.is_empty() && !painted.iter().any(|text| text.contains("Ada")), "{painted:?}");
    println!(
        "two other tabs, one of them hidden, let go {took:?} ms after the word; the late answers of all three were shown and stored by none"
    );
}
