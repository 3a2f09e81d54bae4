//! 12. Three tabs of one person share a cache over BroadcastChannel and Web Locks: one fetches for all.

use std::time::Duration;

use e2e::{ADA, CacheLab, Opened, Tab, pause};
use serde_json::json;

/// Opens three tabs; the server answers none of them yet.
async fn three(lab: &CacheLab) -> [Tab; 3] {
    [lab.open(ADA).await, lab.open_beside(ADA).await, lab.open_beside(ADA).await]
}

fn each_once(mut fetched: Vec<u32>, when: &str) {
    fetched.sort_unstable();
    assert_eq!(fetched, [0, 1, 2], "each item once, {when}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_three_tabs_one_fetches_and_one_that_is_opened_later_catches_up() {
    let lab = CacheLab::start().await;
    lab.ledger.hold(Duration::from_secs(4));
    let tabs = three(&lab).await;
    for tab in &tabs {
        lab.browser.switch_to(tab).await;
        lab.items(|item| item.ends_with("version 1")).await;
    }
    each_once(lab.ledger.take_fetched(), "at first");

    // An invalidation in one is one fetch for all.
    lab.ledger.hold(Duration::from_millis(500));
    (0..3).for_each(|number| lab.ledger.change(number));
    lab.call::<()>("cache_invalidate", &[]).await;
    for tab in &tabs {
        lab.browser.switch_to(tab).await;
        lab.items(|item| item.ends_with("version 2")).await;
    }
    each_once(lab.ledger.take_fetched(), "invalidated");

    // What is written in one is shown in all.
    lab.call::<()>("cache_write", &[json!(1), json!("written")]).await;
    for tab in &tabs {
        lab.browser.switch_to(tab).await;
        lab.browser.wait("the word", async || (lab.shown().await[1] == "written").then_some(())).await;
    }

    lab.open_beside(ADA).await;
    let shown = lab.items(|item| item != "…").await;
    assert_eq!(shown, ["item 0, version 2", "written", "item 2, version 2"]);
    assert_eq!(lab.ledger.take_fetched(), [0_u32; 0]);
    println!("three tabs: 3 items, 3 requests; invalidated: 3 more; a fourth tab showed {shown:?} with none");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_tab_that_fetches_is_closed_or_killed_another_takes_over() {
    for killed in [false, true] {
        let lab = CacheLab::start().await;
        lab.ledger.hold(Duration::from_secs(60));
        let tabs = three(&lab).await;
        lab.browser.switch_to(&tabs[0]).await;
        each_once(lab.ledger.take_fetched(), "at first");
        lab.ledger.hold(Duration::from_millis(300));
        if killed {
            lab.browser.crash_tab().await;
        } else {
            lab.browser.close_tab().await;
        }
        for tab in &tabs[1..] {
            lab.browser.switch_to(tab).await;
            lab.items(|item| item.ends_with("version 1")).await;
        }
        pause(500).await;
        each_once(lab.ledger.take_fetched(), "taken over");
        println!(
            "the tab that fetched was {}: 3 items, 3 more requests",
            if killed { "killed" } else { "closed" }
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signs_out_in_one_tab_is_signed_out_in_all_also_of_what_is_under_way() {
    let lab = CacheLab::start().await;
    let stored = Opened { storage: true, ..ADA };
    let first = lab.open(stored).await;
    lab.items(|item| item.ends_with("version 1")).await;
    let second = lab.open_beside(stored).await;
    lab.items(|item| item.ends_with("version 1")).await;
    // The third is hidden behind another.
    let third = lab.open_beside(stored).await;
    lab.items(|item| item.ends_with("version 1")).await;
    let kept = lab.browser.storage().await.indexed_db;
    assert!(kept.iter().any(|record| record.contains("item 1, version 1")), "{kept:?}");
    lab.browser.new_tab().await;
    pause(300).await;

    lab.browser.switch_to(&first).await;
    lab.ledger.hold(Duration::from_millis(1_500));
    (0..3).for_each(|number| lab.ledger.change(number));
    lab.call::<()>("cache_invalidate", &[]).await;
    lab.call::<()>("cache_act", &[json!(7)]).await;
    pause(300).await;
    lab.ledger.take_fetched();
    lab.call::<()>("cache_end_scope", &[]).await;
    assert_eq!(lab.state().await.items, [""; 0], "in the call");
    let mut late = Vec::new();
    for tab in [&second, &third] {
        lab.browser.switch_to(tab).await;
        late.extend(lab.state().await.items);
    }
    assert_eq!(late, [""; 0], "as soon as it is looked at");
    let kept = lab.browser.storage().await.indexed_db;
    assert!(!kept.iter().any(|record| record.contains("version") || record.contains("act")), "{kept:?}");
    pause(2_000).await;
    // Each tab fetches anew, for nobody in particular and thus for itself alone: of before there is nothing.
    for tab in [&first, &second, &third] {
        lab.browser.switch_to(tab).await;
        let state = lab.state().await;
        assert!(state.items.iter().all(|item| item.ends_with("version 2")), "{state:?}");
        assert_eq!(state.acting, 0);
    }
    let kept = lab.browser.storage().await.indexed_db;
    assert!(!kept.iter().any(|record| record.contains("version")), "nobody's: {kept:?}");
    println!("signed out in one of three tabs: nothing of before in any, nor on the storage");
}

#[tokio::test(flavor = "multi_thread")]
async fn tabs_of_another_build_or_person_are_not_heard() {
    let lab = CacheLab::start().await;
    let [other_build, other_person] = [Opened { build: "2", ..ADA }, Opened { person: "grace", ..ADA }];
    let mut tabs = Vec::new();
    for how in [ADA, other_build, other_person] {
        tabs.push(if tabs.is_empty() { lab.open(how).await } else { lab.open_beside(how).await });
        lab.items(|item| item.ends_with("version 1")).await;
        each_once(lab.ledger.take_fetched(), "in a tab of its own");
    }
    lab.browser.switch_to(&tabs[0]).await;
    lab.call::<()>("cache_write", &[json!(1), json!("of build 1")]).await;
    lab.ledger.change(0);
    lab.call::<()>("cache_invalidate", &[]).await;
    lab.browser.wait("the new version", async || lab.shown().await[0].ends_with("2").then_some(())).await;
    each_once(lab.ledger.take_fetched(), "invalidated");
    lab.call::<()>("cache_end_scope", &[]).await;
    pause(500).await;
    lab.ledger.take_fetched();
    for tab in &tabs[1..] {
        lab.browser.switch_to(tab).await;
        let shown = lab.shown().await;
        assert!(shown.iter().all(|item| item.ends_with("version 1")), "{shown:?}");
    }
    println!("another build and another person: each fetched for itself, and heard nothing of the others");
}
