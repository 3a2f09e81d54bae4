//! The 401 gate: what becomes of a request whose token the server refused.
//!
//! However many are refused at once, one new token is made, by a task that none of them owns. What was sent with
//! an older token than the present one is just sent again; and a token that was made a moment ago is not made
//! anew, or a server that refuses everything would cost one token per request.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use futures_channel::oneshot;
use futures_util::future::{Either, select};

use crate::runtime::Runtime;
use crate::token::{BearerToken, TokenError, TokenSource};

#[cfg(test)]
mod tests;

/// How young a token has to be for a refusal not to be its fault. Clerk's live for as long.
pub(crate) const MINIMUM_AGE: Duration = Duration::from_secs(60);
/// How long one refresh may take.
const REFRESH_LIMIT: Duration = Duration::from_secs(30);
/// How long a refresh that failed is not tried again, unless the sign-in service names a time.
const PAUSE: Duration = Duration::from_secs(5);

pub(crate) struct Gate {
    source: Rc<dyn TokenSource>,
    runtime: Rc<dyn Runtime>,
    minimum_age: Duration,
    state: RefCell<State>,
}

/// What is known of the tokens of one scope.
#[derive(Default)]
struct State {
    scope: u64,
    present: Option<Present>,
    /// How often a refresh has brought a token: an answer asked for before that is older.
    landings: u64,
    /// Who waits for the refresh under way.
    refresh: Option<Vec<Waiting>>,
    /// Why the last refresh brought none, and until when it is not tried again.
    failure: Option<(Duration, TokenError)>,
}

type Waiting = oneshot::Sender<Result<BearerToken, TokenError>>;

struct Present {
    token: BearerToken,
    last_seen: Duration,
    /// A moment that it is no older than: when its predecessor was last given, or when the refresh that made
    /// it came back. `None` for the first, which may be of any age.
    born_after: Option<Duration>,
}

/// What a request is sent with.
#[derive(Clone, Debug)]
pub(crate) struct Pass {
    pub(crate) token: BearerToken,
    scope: u64,
}

/// What to do about a refusal.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// Send it once more, with this.
    Replay(Pass),
    /// There is no better token: the refusal is the answer.
    Stands,
}

impl Gate {
    pub(crate) fn new(source: Rc<dyn TokenSource>, runtime: Rc<dyn Runtime>, minimum_age: Duration) -> Self {
        Self { source, runtime, minimum_age, state: RefCell::default() }
    }

    pub(crate) fn source(&self) -> &Rc<dyn TokenSource> {
        &self.source
    }

    pub(crate) fn runtime(&self) -> &Rc<dyn Runtime> {
        &self.runtime
    }

    pub(crate) fn minimum_age(&self) -> Duration {
        self.minimum_age
    }

    /// The present token. If the scope ends on the way there is none: what one person asked for is not sent
    /// with another's token.
    pub(crate) async fn pass(&self) -> Result<Pass, TokenError> {
        let scope = self.enter();
        let landings = self.state.borrow().landings;
        let token = self.source.token().await;
        if self.enter() != scope {
            return Err(TokenError::SignedOut);
        }
        Ok(Pass { token: self.see(token?, landings), scope })
    }

    /// What to do about a request that was sent with `pass` and answered 401.
    pub(crate) async fn refused(self: &Rc<Self>, pass: &Pass) -> Result<Verdict, TokenError> {
        if self.enter() != pass.scope {
            return Err(TokenError::SignedOut);
        }
        if let Some(waiting) = self.join() {
            return self.wait(pass, waiting).await;
        }
        let present = match select(Box::pin(self.pass()), self.source.scope_ended()).await {
            Either::Left((present, _)) => present?,
            Either::Right(((), _)) => return Err(TokenError::SignedOut),
        };
        if present.scope != pass.scope {
            return Err(TokenError::SignedOut);
        }
        if present.token != pass.token {
            return Ok(Verdict::Replay(present));
        }
        // Somebody else may have begun while the present token was asked for.
        if let Some(waiting) = self.join() {
            return self.wait(pass, waiting).await;
        }
        let now = self.runtime.now();
        if self.is_young(now) {
            return Ok(Verdict::Stands);
        }
        if let Some(error) = self.recent_failure(now) {
            return Err(error);
        }
        let waiting = self.begin(pass.scope);
        self.wait(pass, waiting).await
    }

    /// The source's scope. If it is another than before, the one before has ended: whoever waits in it is told,
    /// and what was known of its tokens is forgotten.
    fn enter(&self) -> u64 {
        let scope = self.source.scope();
        let ended = {
            let mut state = self.state.borrow_mut();
            if state.scope == scope {
                return scope;
            }
            std::mem::replace(&mut *state, State { scope, ..State::default() })
        };
        answer(ended.refresh, &Err(TokenError::SignedOut));
        scope
    }

    /// Notes a token that the source gave; gives the present one, which is another if a refresh landed meanwhile.
    fn see(&self, token: BearerToken, landings: u64) -> BearerToken {
        let now = self.runtime.now();
        let mut state = self.state.borrow_mut();
        let overtaken = state.landings != landings;
        match &mut state.present {
            Some(present) if overtaken || present.token == token => {
                present.last_seen = now;
                present.token.clone()
            }
            present => {
                let born_after = present.as_ref().map(|before| before.last_seen);
                *present = Some(Present { token: token.clone(), last_seen: now, born_after });
                token
            }
        }
    }

    fn is_young(&self, now: Duration) -> bool {
        let born_after = self.state.borrow().present.as_ref().and_then(|present| present.born_after);
        // A clock that was set back says nothing of an age.
        born_after.and_then(|born| now.checked_sub(born)).is_some_and(|age| age < self.minimum_age)
    }

    fn recent_failure(&self, now: Duration) -> Option<TokenError> {
        let state = self.state.borrow();
        let (until, error) = state.failure.as_ref()?;
        (now < *until).then(|| error.clone())
    }

    /// Waits for the refresh under way, if there is one.
    fn join(&self) -> Option<oneshot::Receiver<Result<BearerToken, TokenError>>> {
        let mut state = self.state.borrow_mut();
        let (sender, receiver) = oneshot::channel();
        state.refresh.as_mut()?.push(sender);
        Some(receiver)
    }

    fn begin(self: &Rc<Self>, scope: u64) -> oneshot::Receiver<Result<BearerToken, TokenError>> {
        let (sender, receiver) = oneshot::channel();
        self.state.borrow_mut().refresh = Some(vec![sender]);
        let gate = self.clone();
        self.runtime.spawn(Box::pin(async move { gate.refresh(scope).await }));
        receiver
    }

    /// Waits for a refresh's token and compares it to the one refused.
    async fn wait(
        &self,
        pass: &Pass,
        waiting: oneshot::Receiver<Result<BearerToken, TokenError>>,
    ) -> Result<Verdict, TokenError> {
        match waiting.await {
            Ok(token) => {
                let token = token?;
                // Time passes between an answer and its reading.
                if self.enter() != pass.scope {
                    return Err(TokenError::SignedOut);
                }
                let better = token != pass.token;
                Ok(if better { Verdict::Replay(Pass { token, scope: pass.scope }) } else { Verdict::Stands })
            }
            // The task was thrown away, as at the end of a page.
            Err(oneshot::Canceled) => Ok(Verdict::Stands),
        }
    }

    async fn refresh(&self, scope: u64) {
        let end = select(self.source.scope_ended(), self.runtime.sleep(REFRESH_LIMIT));
        let result = match select(self.source.refresh(), end).await {
            Either::Left((result, _)) => result,
            Either::Right((Either::Left(_), _)) => Err(TokenError::SignedOut),
            Either::Right((Either::Right(_), _)) => Err(TokenError::TimedOut { after: REFRESH_LIMIT }),
        };
        if self.enter() != scope {
            return;
        }
        let now = self.runtime.now();
        let waiting = {
            let mut state = self.state.borrow_mut();
            match &result {
                Ok(token) => {
                    state.landings += 1;
                    state.failure = None;
                    let token = token.clone();
                    state.present = Some(Present { token, last_seen: now, born_after: Some(now) });
                }
                // These pass by themselves, and the next attempt costs nobody anything.
                Err(TokenError::Offline | TokenError::SignedOut) => {}
                Err(error) => {
                    state.failure = Some((now.saturating_add(pause_after(error)), error.clone()));
                }
            }
            state.refresh.take()
        };
        answer(waiting, &result);
    }
}

fn pause_after(error: &TokenError) -> Duration {
    match error {
        TokenError::Provider(error) => error.retry_after.unwrap_or(PAUSE),
        _ => PAUSE,
    }
}

/// Wakes whoever waits, so it is called while nothing is borrowed.
fn answer(waiting: Option<Vec<Waiting>>, result: &Result<BearerToken, TokenError>) {
    for sender in waiting.into_iter().flatten() {
        // Whoever has left does not hear it.
        let _ = sender.send(result.clone());
    }
}
