//! 13. The header goes to the API that the page names, and nobody lures it away.

use e2e::{Lab, WorldOptions};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn ten_ways_to_lure_the_header_away() {
    let lab = Lab::signed_in(WorldOptions::default()).await;
    let (gate, thief) = (&lab.world().gate, &lab.world().recorder);
    let ask = async |url: &str| lab.call::<String>("request", &[json!(url)]).await;
    let (api, api_port, port) = (gate.origin(), gate.port(), thief.port());

    // The way in is open, however it is written: a client that refused everything would pass the rest.
    assert_eq!(ask(&format!("{api}/me")).await, "200");
    assert_eq!(ask(&format!("HTTP://LOCALHOST:{api_port}/me")).await, "200");
    let sent = gate.arrivals("/me");

    let host = format!("127.0.0.1:{port}");
    gate.answer("/leads-away", 302, &[("location", &format!("http://{host}/redirected"))], "");
    let lures = [
        ("foreign host", format!("http://{host}/foreign")),
        ("look-alike", format!("http://localhost.localhost:{port}/alike")),
        ("user-info", format!("http://localhost:{api_port}@{host}/user")),
        ("upper case", format!("HTTP://LOCALHOST.LOCALHOST:{port}/upper")),
        ("other port", format!("http://localhost:{port}/port")),
        ("other scheme", format!("https://localhost:{api_port}/scheme")),
        ("redirect", format!("{api}/leads-away")),
        ("protocol-relative", format!("//{host}/relative")),
        ("backslash", format!("/\\{host}\\backslash")),
        ("allow-listed name as a path", format!("http://{host}/http://localhost:{api_port}/me")),
    ];
    let mut said = Vec::new();
    for (name, url) in &lures {
        let answer = ask(url).await;
        let refused = answer.contains("not on the list of origins") && answer.contains("nothing was sent");
        // A redirect is the server's doing: it is known only once the API was asked, and leads nowhere.
        let expected = if *name == "redirect" { answer.contains("may redirect") } else { refused };
        assert!(expected, "{name}, {url}: {answer}");
        said.push(*name);
    }
    assert_eq!(gate.arrivals("/leads-away"), 1, "the redirect was met");
    assert!(thief.seen().is_empty(), "{:?}", thief.seen());
    assert_eq!(gate.arrivals("/me"), sent);

    // What Chromium itself wrote down: checks each header that was sent, preflights and workers included.
    let network = lab.scene.network().await;
    assert!(network.requests_to(&thief.origin()).is_empty());
    println!("no header lured away by {}", said.join(", "));
}

/// `bearer-fetch` with a token source made by hand: no Clerk is asked, and of two origins one is the API.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_source_made_by_hand_needs_no_clerk() {
    let lab = Lab::start(WorldOptions::default()).await;
    let (gate, other) = (&lab.world().gate, &lab.world().recorder);
    lab.who(|who| who == "out").await;
    lab.world().front.take_clerk_asked();
    gate.answer("/bare", 200, &[], "{}");
    let answers: String =
        lab.call("bare", &[json!(gate.origin()), json!(format!("{}/x", other.origin()))]).await;
    let (api, elsewhere) = answers.split_once('|').expect("two answers");
    assert_eq!(api, "200");
    assert!(elsewhere.contains("not on the list of origins"), "{elsewhere}");
    assert_eq!(lab.world().front.take_clerk_asked(), Vec::<String>::new());
    assert!(other.seen().is_empty());

    let network = lab.browser().network().await;
    let bearers: Vec<_> = network
        .with_authorization()
        .iter()
        .map(|sent| (sent.origin(), sent.bearer().map(str::to_owned)))
        .collect();
    assert_eq!(bearers, [(gate.origin(), Some("made.by.hand".to_owned()))]);
    println!("by hand: {api} from {}, nothing to {}, and Clerk was not asked", gate.origin(), other.origin());
}
