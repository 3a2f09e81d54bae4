//! 12. A hidden tab goes on: by the header, since nobody renews the cookie there.

use std::time::Duration;

use e2e::{Asked, Lab, WorldOptions, pause};

#[tokio::test(flavor = "multi_thread")]
async fn a_tab_that_is_hidden_for_two_token_lives_keeps_being_answered() {
    let life = 15;
    let lab = Lab::signed_in(WorldOptions { token_life: Some(Duration::from_secs(life)), lab: true }).await;
    let (browser, front) = (lab.browser(), &lab.world().front);
    browser.wait_for_text("#own", |text| text.contains("Ada")).await;
    pause(3_000).await;
    let seen = front.take_asked();

    let first = browser.tab().await;
    let other = browser.new_tab().await;
    pause(300).await;
    front.take_asked();
    pause(life * 2_000 + 2_000).await;
    let hidden = front.take_asked();
    browser.switch_to(&first).await;
    browser.show().await;
    pause(5_000).await;
    let again = front.take_asked();

    let by_header = |asked: &[Asked]| asked.iter().filter(|asked| asked.by_header).count();
    for (when, asked) in [("seen", &seen), ("hidden", &hidden), ("seen again", &again)] {
        assert!(!asked.is_empty(), "{when}");
        assert!(asked.iter().all(|asked| asked.status == 200), "{when}: {asked:?}");
    }
    assert_eq!(by_header(&seen), 0, "{seen:?}");
    assert_eq!(by_header(&hidden), hidden.len(), "{hidden:?}");
    println!(
        "own origin, token life {life} s: seen {} by cookie; hidden for {} s {} by header; seen again {} by header, {} by \
         cookie; all 200",
        seen.len(),
        life * 2,
        hidden.len(),
        by_header(&again),
        again.len() - by_header(&again)
    );
    drop(other);
}
