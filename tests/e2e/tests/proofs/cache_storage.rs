//! 14. A storage that is really full: the app goes on.

use e2e::{ADA, CacheLab, Opened};
use serde_json::json;

const STORED: Opened = Opened { storage: true, ..ADA };

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_breaks_nothing() {
    let lab = CacheLab::start().await;
    // Before it is opened: how much room there was last, Chromium remembers for half a minute.
    let room = json!({"origin": lab.origin(), "quotaSize": 300_000});
    lab.browser.devtools("Storage.overrideQuotaForOrigin", room).await;
    lab.open(STORED).await;
    lab.items(|item| item.ends_with("version 1")).await;
    lab.call::<()>("cache_fill", &[json!(30), json!(100_000)]).await;
    let state = lab.wait_for_state("the fault", |state| !state.faults.is_empty()).await;
    assert_eq!(state.faults, ["Full"]);
    // From memory, and from the server, as before.
    lab.ledger.take_fetched();
    lab.ledger.change(1);
    lab.call::<()>("cache_invalidate", &[]).await;
    lab.browser.wait("the new version", async || lab.shown().await[1].ends_with("2").then_some(())).await;
    lab.call::<()>("cache_act", &[json!(1)]).await;
    lab.wait_for_state("the call to be over", |state| state.acting == 0).await;
    assert_eq!(lab.ledger.acts().len(), 1);
    // And what fits is stored.
    lab.call::<()>("cache_write", &[json!(2), json!("small")]).await;
    lab.browser
        .wait("it to be stored", async || {
            let stored = lab.browser.storage().await.indexed_db;
            stored.iter().any(|record| record.contains("small")).then_some(())
        })
        .await;
    let console = lab.browser.console().await;
    assert!(!console.iter().any(|line| line.text.contains("panicked")), "{console:?}");
    println!("3 MB into 300 kB of room: {:?}, and the app went on", state.faults);
}

#[derive(Debug, serde::Deserialize)]
struct Costs {
    dehydrate: f64,
    hydrate: f64,
    taken: usize,
    all: f64,
    records: usize,
    dirty: Vec<(usize, f64)>,
}

#[tokio::test(flavor = "multi_thread")]
async fn one_dirty_entry_among_ten_thousand_is_one_small_write() {
    let lab = CacheLab::start().await;
    lab.open(ADA).await;
    let script = "const done = arguments[arguments.length - 1]; lab.cache_costs().then(done)";
    let text: String = lab.browser.run_async(script, &[]).await;
    let Costs { dehydrate, hydrate, taken, all, records, dirty } = serde_json::from_str(&text).expect(&text);
    assert_eq!((records, taken, dirty.len()), (20_000, 10_000, 10));
    assert!(dirty.iter().all(|(records, _)| *records == 2), "{dirty:?}");
    let median = dirty[5].1;
    assert!(median < all / 20.0, "{median} ms of {all}");
    println!(
        "10,000 entries: dehydrated in {dehydrate:.1} ms, hydrated in {hydrate:.1}; onto IndexedDB in {all:.0} ms, one of them again in {median:.1}"
    );
}
