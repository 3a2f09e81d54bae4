//! One request with a token, from the token to the answer that stands.

use std::rc::Rc;

use crate::error::ApiError;
use crate::fetch::Answer;
use crate::gate::{Gate, Verdict};
use crate::runtime::LocalBoxFuture;
use crate::token::{BearerToken, TokenError};

/// Sends with a token, or without one. The flag says whether it is the second time.
pub(crate) type Send<'a> = &'a dyn Fn(Option<BearerToken>, bool) -> LocalBoxFuture<Result<Answer, ApiError>>;

/// How a request wants its token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Wish {
    /// No token, no request.
    #[default]
    Token,
    /// A token if somebody is signed in.
    IfThereIsOne,
    /// None.
    Anonymous,
}

/// Sends a request, and once more if the gate says so. A second refusal is the answer.
pub(crate) async fn exchange(
    gate: &Rc<Gate>,
    wish: Wish,
    replayable: bool,
    send: Send<'_>,
) -> Result<Answer, ApiError> {
    let pass = match wish {
        Wish::Anonymous => return send(None, false).await,
        Wish::Token => gate.pass().await?,
        Wish::IfThereIsOne => match gate.pass().await {
            Ok(pass) => pass,
            // Nobody is signed in, or nobody will be: what is public is public.
            Err(TokenError::SignedOut | TokenError::NotLoaded) => return send(None, false).await,
            Err(error) => return Err(error.into()),
        },
    };
    let refusal = match send(Some(pass.token.clone()), false).await {
        Err(ApiError::Status(refusal)) if refusal.status == 401 => refusal,
        answer => return answer,
    };
    match gate.refused(&pass).await? {
        Verdict::Stands => Err(ApiError::Unauthorized(refusal)),
        Verdict::Replay(_) if !replayable => Err(ApiError::NotReplayable(refusal)),
        Verdict::Replay(pass) => match send(Some(pass.token), true).await {
            Err(ApiError::Status(refusal)) if refusal.status == 401 => Err(ApiError::Unauthorized(refusal)),
            answer => answer,
        },
    }
}
