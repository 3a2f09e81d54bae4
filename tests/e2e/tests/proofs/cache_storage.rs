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
