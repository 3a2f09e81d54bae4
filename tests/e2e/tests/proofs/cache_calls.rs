//! 13. What was to be done while there was no network reaches the server once, whatever becomes of the page.

use std::time::Duration;

use e2e::{ADA, CacheLab, Opened, pause};
use serde_json::json;

const STORED: Opened = Opened { storage: true, without_network: true, ..ADA };

async fn act(lab: &CacheLab, numbers: &[u32]) {
    for number in numbers {
        lab.call::<()>("cache_act", &[json!(number)]).await;
    }
}

/// How many calls are on the storage.
async fn kept(lab: &CacheLab) -> usize {
    let records = lab.browser.storage().await.indexed_db;
    records.iter().filter(|record| record.contains("idempotencyKey")).count()
}

async fn wait_until_kept(lab: &CacheLab, count: usize) {
    lab.browser.wait("the calls to be kept", async || (kept(lab).await == count).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn offline_reload_online_each_call_reaches_the_server_once() {
    let mut lab = CacheLab::start().await;
    lab.open(STORED).await;
    lab.items(|item| item.ends_with("version 1")).await;
    // Once more, so that the service worker has all of the page.
    lab.browser.reload().await;
    lab.ready().await;
    // A page that is loaded anew may think for a moment that there is a network: there is none in any case.
    lab.ledger.unplug().await;
    lab.set_offline(true).await;
    act(&lab, &[10, 20, 11]).await;
    wait_until_kept(&lab, 3).await;

    // Reloaded without a network, twice, and one more is made in between.
    for calls in [3, 4] {
        lab.browser.reload().await;
        lab.ready().await;
        let state = lab.wait_for_state("the calls to be there again", |state| state.acting == calls).await;
        assert_eq!(state.faults, [""; 0]);
        let shown = lab.items(|item| item.ends_with("version 1")).await;
        assert_eq!(shown.len(), 3, "and what was fetched before is shown");
        if calls == 3 {
            act(&lab, &[12]).await;
            wait_until_kept(&lab, 4).await;
        }
    }
    assert_eq!(lab.ledger.acts(), []);
    lab.ledger.hold(Duration::from_millis(200));
    lab.ledger.plug_in().await;
    lab.set_offline(false).await;
    lab.wait_for_state("the calls to be over", |state| state.acting == 0).await;
    wait_until_kept(&lab, 0).await;
    lab.browser.reload().await;
    lab.ready().await;
    pause(1_000).await;
    let acts = lab.ledger.acts();
    let mut numbers: Vec<u32> = acts.iter().map(|(number, _)| *number).collect();
    numbers.retain(|number| *number != 20);
    assert_eq!(numbers, [10, 11, 12], "of one line, in order: {acts:?}");
    let mut keys: Vec<_> = acts.iter().map(|(_, key)| key.clone()).collect();
    keys.sort();
    keys.dedup();
    assert_eq!((acts.len(), keys.len()), (4, 4), "{acts:?}");
    println!(
        "offline, 4 calls, 2 reloads, online: {:?}",
        acts.iter().map(|(number, _)| number).collect::<Vec<_>>()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_tab_has_yet_to_send_no_other_sends_until_it_is_gone() {
    let lab = CacheLab::start().await;
    let first = lab.open(STORED).await;
    lab.items(|item| item.ends_with("version 1")).await;
    lab.set_offline(true).await;
    act(&lab, &[1, 2]).await;
    wait_until_kept(&lab, 2).await;
    let second = lab.open_beside(STORED).await;
    lab.items(|item| item.ends_with("version 1")).await;
    let third = lab.open_beside(STORED).await;
    lab.items(|item| item.ends_with("version 1")).await;
    pause(1_000).await;
    assert_eq!(lab.ledger.acts(), [], "the first tab is open");
    lab.browser.switch_to(&first).await;
    // Not closed: that would first give it back its network.
    lab.browser.crash_tab().await;
    lab.browser.switch_to(&second).await;
    lab.browser.wait("both to arrive", async || (lab.ledger.acts().len() >= 2).then_some(())).await;
    wait_until_kept(&lab, 0).await;
    lab.browser.switch_to(&third).await;
    pause(1_000).await;
    let acts = lab.ledger.acts();
    assert_eq!(acts.len(), 2, "{acts:?}");
    println!("2 calls of a killed tab, 2 other tabs: {} requests", acts.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_was_being_sent_is_sent_again_under_its_key() {
    let lab = CacheLab::start().await;
    lab.open(STORED).await;
    lab.items(|item| item.ends_with("version 1")).await;
    lab.ledger.hold(Duration::from_secs(30));
    act(&lab, &[1]).await;
    wait_until_kept(&lab, 1).await;
    lab.browser.wait("it to arrive", async || (lab.ledger.acts().len() == 1).then_some(())).await;
    lab.ledger.hold(Duration::ZERO);
    lab.browser.reload().await;
    lab.ready().await;
    lab.browser.wait("it to arrive again", async || (lab.ledger.acts().len() >= 2).then_some(())).await;
    wait_until_kept(&lab, 0).await;
    let acts = lab.ledger.acts();
    assert_eq!(acts[0], acts[1]);
    println!("reloaded while it was under way: twice, under {:?}", acts[0].1);
}
