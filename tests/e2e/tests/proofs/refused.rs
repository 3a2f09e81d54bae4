//! 10. However many requests are refused, one new token is made; and a server that refuses everything costs one.

use std::time::Duration;

use e2e::{Lab, WorldOptions, pause};
use serde_json::json;

fn made(lab: &Lab) -> usize {
    lab.world().front.take_clerk_asked().iter().filter(|asked| asked.contains("/tokens")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_refused_at_once_make_one_token_and_fifty_replays() {
    let lab =
        Lab::signed_in(WorldOptions { token_life: Some(Duration::from_secs(300)), ..Default::default() })
            .await;
    lab.tokens(1, false, 10_000).await;
    let gate = &lab.world().gate;
    for token in lab.world().front.issued_tokens() {
        gate.refuse(&token);
    }
    // All of them are refused before the first is sent again.
    gate.hold(Duration::from_millis(500));
    made(&lab);
    let before = gate.arrivals("/me");
    let answers = lab.requests(50, "/me").await;
    assert_eq!(answers, json!({"200": 50}));
    let (refreshes, sent) = (made(&lab), gate.arrivals("/me") - before);
    assert_eq!((refreshes, sent), (1, 100));
    println!("50 requests refused at once: {refreshes} refresh, {} replays, all answered 200", sent - 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_refuses_everything_for_a_minute_costs_one_token() {
    let lab =
        Lab::signed_in(WorldOptions { token_life: Some(Duration::from_secs(300)), ..Default::default() })
            .await;
    lab.tokens(1, false, 10_000).await;
    lab.world().gate.refuse_all(true);
    made(&lab);
    let (started, mut rounds) = (std::time::Instant::now(), 0);
    while started.elapsed() < Duration::from_secs(58) {
        let answers = lab.requests(5, "/me").await;
        let refused = answers.as_object().expect("outcomes").iter().all(|(name, _)| name.starts_with("401"));
        assert!(refused, "{answers}");
        rounds += 1;
        pause(1_000).await;
    }
    let refreshes = made(&lab);
    assert_eq!(refreshes, 1, "in {rounds} rounds of five");
    println!(
        "{} requests refused in {:.0} s: {refreshes} refresh",
        rounds * 5,
        started.elapsed().as_secs_f64()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn retry_after_of_another_origin_is_seen_in_both_forms() {
    let lab = Lab::signed_in(WorldOptions::default()).await;
    let gate = &lab.world().gate;
    let exposed = ("access-control-expose-headers", "retry-after");
    gate.answer("/seconds", 503, &[exposed, ("retry-after", "7")], "");
    let date = httpdate::fmt_http_date(std::time::SystemTime::now() + Duration::from_secs(90));
    gate.answer("/date", 429, &[exposed, ("retry-after", &date)], "");
    gate.answer("/hidden", 503, &[("retry-after", "7")], "");
    let origin = gate.origin();
    let ask = async |path: &str| lab.call::<String>("request", &[json!(format!("{origin}{path}"))]).await;
    let seconds = ask("/seconds").await;
    assert!(seconds.starts_with("503 Some(7)"), "{seconds}");
    let dated = ask("/date").await;
    let after = dated.strip_prefix("429 Some(").and_then(|rest| rest.split(')').next()?.parse::<u64>().ok());
    assert!(after.is_some_and(|after| (80..=90).contains(&after)), "{dated}");
    let hidden = ask("/hidden").await;
    assert!(hidden.starts_with("503 None"), "what is not exposed no page can see: {hidden}");
    println!("Retry-After from {origin}: {seconds:?}, {dated:?}; not exposed: {hidden:?}");
}
