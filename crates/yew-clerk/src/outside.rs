//! Tokens outside of components: for a client made in `main`, a worker's messages, a library's callback.

use std::cell::RefCell;

use bearer_fetch::{BearerToken, TokenError};
use futures_channel::oneshot;

use crate::clerk::Clerk;
use crate::token::{GetToken, within};

#[derive(Default)]
struct Page {
    clerk: Option<Clerk>,
    waiting: Vec<oneshot::Sender<()>>,
}

thread_local! {
    static PAGE: RefCell<Page> = RefCell::default();
}

/// The provider that is mounted says so. Called in browsers alone: a server has many pages on one thread.
pub(crate) fn register(clerk: &Clerk) {
    let waiting = PAGE.with_borrow_mut(|page| {
        page.clerk = Some(clerk.clone());
        std::mem::take(&mut page.waiting)
    });
    for sender in waiting {
        let _ = sender.send(());
    }
}

/// The provider goes. One that was mounted after it stays.
pub(crate) fn unregister(clerk: &Clerk) {
    let gone = PAGE.with_borrow_mut(|page| page.clerk.take_if(|present| present == clerk));
    drop(gone);
}

async fn mounted() -> Clerk {
    loop {
        let receiver = PAGE.with_borrow_mut(|page| match &page.clerk {
            Some(clerk) => Err(clerk.clone()),
            None => {
                let (sender, receiver) = oneshot::channel();
                page.waiting.retain(|sender| !sender.is_canceled());
                page.waiting.push(sender);
                Ok(receiver)
            }
        });
        match receiver {
            Err(clerk) => return clerk,
            Ok(receiver) => {
                let _ = receiver.await;
            }
        }
    }
}

/// A token for a request that is sent now, from anywhere in the page: see [`Clerk::get_token`]. It waits until a
/// [`ClerkProvider`](crate::ClerkProvider) is mounted and clerk-js has loaded, ten seconds at most.
///
/// ```no_run
/// use yew_clerk::{TokenError, get_token};
///
/// async fn report() -> Result<(), TokenError> {
///     let authorization = get_token().await?.authorization_header();
///     // `fetch("https://api.foo.com/report", { headers: { authorization }, redirect: "error" })`, by whatever you use.
///     # drop(authorization);
///     Ok(())
/// }
/// ```
///
/// # Errors
///
/// [`TokenError`] says why there is none.
pub async fn get_token() -> Result<BearerToken, TokenError> {
    get_token_with(GetToken::default()).await
}

/// A token of a certain kind, from anywhere in the page. See [`get_token`].
///
/// # Errors
///
/// [`TokenError`] says why there is none.
pub async fn get_token_with(wish: GetToken) -> Result<BearerToken, TokenError> {
    let asking = async { mounted().await.token_of(&wish).await };
    let clerk = || PAGE.with_borrow(|page| page.clerk.clone());
    within(wish.limit(), asking, clerk).await
}
