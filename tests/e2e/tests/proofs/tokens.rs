//! 9. However many want a token, the real clerk-js asks Clerk once, or not at all; and its tokens render nothing.

use std::time::Duration;

use e2e::{Lab, WorldOptions, pause};

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_who_want_a_token_are_one_request_or_none() {
    // Long enough that clerk-js does not renew it by itself meanwhile.
    let lab =
        Lab::signed_in(WorldOptions { token_life: Some(Duration::from_secs(300)), ..Default::default() })
            .await;
    let asked = |lab: &Lab| {
        let asked = lab.world().front.take_clerk_asked();
        asked.into_iter().filter(|asked| asked.contains("/tokens")).collect::<Vec<_>>()
    };
    lab.tokens(1, false, 10_000).await;
    asked(&lab);

    let warm = lab.tokens(1_000, false, 10_000).await;
    assert_eq!((warm.outcomes["token"], warm.different), (1_000, 1));
    assert_eq!(asked(&lab), Vec::<String>::new());

    // By the page's clock, what clerk-js holds is a minute over; and once more, with nothing held at all.
    let spoils = ["const now = Date.now; Date.now = () => now() + 360_000", "Clerk.session.clearCache()"];
    for spoil in spoils {
        let _: Option<()> = lab.clerk(spoil).await;
        let cold = lab.tokens(1_000, false, 10_000).await;
        assert_eq!((cold.outcomes["token"], cold.different), (1_000, 1));
        assert_eq!(asked(&lab).len(), 1, "{spoil}");
    }

    let forced = lab.tokens(1_000, true, 10_000).await;
    assert_eq!((forced.outcomes["token"], forced.different), (1_000, 1));
    assert_eq!(asked(&lab).len(), 1);

    // Ten tokens, one after the other: clerk-js tells its listeners of each, and no component renders.
    let before = lab.renders().await;
    let told: u32 = lab
        .clerk(
            "window.told = 0; Clerk.addListener(() => { told += 1; }, {skipInitialEmit: true});
            for (let i = 0; i < 10; i += 1) await lab.tokens(1, true, 10000);
            return told",
        )
        .await;
    pause(300).await;
    assert_eq!((lab.renders().await, asked(&lab).len()), (before, 10));
    println!(
        "1,000 wishes: warm no request, expired 1, cleared 1, forced 1; 10 refreshes told by clerk-js {told} times rendered nothing"
    );
}
