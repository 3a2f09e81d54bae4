//! `/posts` over HTTP.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Json;
use axum::extract::{FromRequest as _, FromRequestParts, OriginalUri, Path, Query, Request, State};
use axum::http::header::{CACHE_CONTROL, ETAG, IF_MATCH, LOCATION};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clerk_verify::axum::SessionAuth;
use foo_types::{Post, PostDraft, PostPage};
use serde::Deserialize;
use serde_json::json;

use super::replay::{self, Replay};
use super::store::{self, Caller, Changed};
use crate::database::Database;
use crate::openapi::{Described, Token, delete, get, post, put};
use crate::problem::Refusal;

/// The header of an idempotency key, by draft-ietf-httpapi-idempotency-key-header.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// On the answer to a request that had been carried out before.
pub(crate) const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// How long a body may take to come. Those of this API are small; a line that is worse than this has lost it.
const BODY_TIME: Duration = Duration::from_secs(10);

const PAGE: i64 = 20;
const LONGEST_PAGE: i64 = 100;

pub(crate) fn routes() -> Described<Database> {
    let limit = json!({ "type": "integer", "minimum": 1, "maximum": LONGEST_PAGE, "default": PAGE });
    let all = [
        get("/posts", "The caller's posts and their active organization's, newest first")
            .query("cursor", &json!({ "type": "string" }))
            .query("limit", &limit)
            .answers("PostPage"),
        post("/posts", "A new post; with Idempotency-Key once, however often it is sent")
            .header("Idempotency-Key", false)
            .takes("PostDraft")
            .status(201)
            .answers("Post")
            .with(&["ETag", "Location", "Idempotency-Replayed"]),
        get("/posts/{id}", "One post").answers("Post").with(&["ETag"]),
        put("/posts/{id}", "Another title and body for the version that If-Match names")
            .header("If-Match", true)
            .takes("PostDraft")
            .answers("Post")
            .with(&["ETag"]),
        delete("/posts/{id}", "The end of the version that If-Match names")
            .header("If-Match", true)
            .status(204),
    ];
    let [list_it, create_it, read_it, edit_it, delete_it] = all.map(|one| one.token(Token::Session));
    Described::new()
        .route(list_it, list)
        .route(create_it, create)
        .route(read_it, read)
        .route(edit_it, edit)
        .route(delete_it, delete_post)
}

#[derive(Deserialize)]
struct Page {
    cursor: Option<String>,
    limit: Option<i64>,
}

async fn list(
    session: SessionAuth,
    State(db): State<Database>,
    page: Result<Query<Page>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, Refusal> {
    let Query(page) = page.map_err(|_| Refusal::BadPage)?;
    let limit = page.limit.unwrap_or(PAGE);
    if !(1..=LONGEST_PAGE).contains(&limit) {
        return Err(Refusal::BadPage);
    }
    let before = match page.cursor {
        Some(cursor) => read_cursor(&cursor).ok_or(Refusal::BadCursor)?,
        None => i64::MAX,
    };
    let caller = caller(&session);
    // One more than asked for says whether there is another page.
    let mut posts = db.read(move |db| store::page(db, &caller, before, limit + 1)).await?;
    let size = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = posts.len() > size;
    posts.truncate(size);
    let next_cursor = posts.last().filter(|_| more).and_then(|last| number(&last.id)).map(cursor);
    Ok(private(Json(PostPage { posts, next_cursor })))
}

async fn read(
    session: SessionAuth,
    State(db): State<Database>,
    PostId(id): PostId,
) -> Result<Response, Refusal> {
    let caller = caller(&session);
    let found = db.read(move |db| store::one(db, &caller, id)).await?;
    found.map(|post| answer(StatusCode::OK, post)).ok_or(Refusal::NotFound)
}

async fn create(
    session: SessionAuth,
    State(db): State<Database>,
    OriginalUri(uri): OriginalUri,
    request: Request,
) -> Result<Response, Refusal> {
    let key = idempotency_key(request.headers())?;
    let draft = draft(request).await?;
    let (caller, now) = (caller(&session), now());
    let (post, again) = match key {
        None => (db.write(move |db| store::create(db, &caller, &draft, now)).await?, false),
        Some(key) => match db.write(move |db| replay::create(db, &caller, &key, &draft, now)).await? {
            Replay::First(post) => (post, false),
            Replay::Again(post) => (post, true),
            Replay::Mismatch => return Err(Refusal::IdempotencyMismatch),
        },
    };
    // Where it was asked for: by cookie, `/posts` would be out of reach.
    let location = HeaderValue::from_str(&format!("{}/{}", uri.path(), post.id));
    let mut response = answer(StatusCode::CREATED, post);
    if let Ok(location) = location {
        response.headers_mut().insert(LOCATION, location);
    }
    if again {
        response.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

async fn edit(
    session: SessionAuth,
    State(db): State<Database>,
    PostId(id): PostId,
    request: Request,
) -> Result<Response, Refusal> {
    let versions = Versions::read(request.headers())?;
    let draft = draft(request).await?;
    let (caller, now) = (caller(&session), now());
    let edited = move |db: &_| store::edit(db, &caller, id, versions.as_slice(), &draft, now);
    match db.write(edited).await? {
        Changed::Done(post) => Ok(answer(StatusCode::OK, post)),
        Changed::NotFound => Err(Refusal::NotFound),
        Changed::Newer => Err(Refusal::PreconditionFailed),
    }
}

async fn delete_post(
    session: SessionAuth,
    State(db): State<Database>,
    PostId(id): PostId,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let versions = Versions::read(&headers)?;
    let caller = caller(&session);
    match db.write(move |db| store::delete(db, &caller, id, versions.as_slice())).await? {
        Changed::Done(()) => Ok(private(StatusCode::NO_CONTENT)),
        Changed::NotFound => Err(Refusal::NotFound),
        Changed::Newer => Err(Refusal::PreconditionFailed),
    }
}

fn caller(session: &SessionAuth) -> Caller {
    Caller {
        user: session.user_id().to_owned(),
        organization: session.organization().map(|organization| organization.id.to_owned()),
    }
}

fn answer(status: StatusCode, post: Post) -> Response {
    let etag = HeaderValue::from_str(&format!("\"{}\"", post.version));
    let mut response = private((status, Json(post)));
    if let Ok(etag) = etag {
        response.headers_mut().insert(ETAG, etag);
    }
    response
}

fn private(response: impl IntoResponse) -> Response {
    ([(CACHE_CONTROL, "private, no-store")], response).into_response()
}

/// The draft in a request's body, refused in the API's own words.
async fn draft(request: Request) -> Result<PostDraft, Refusal> {
    let reading = tokio::time::timeout(BODY_TIME, Json::<PostDraft>::from_request(request, &())).await;
    let Json(draft) =
        reading.map_err(|_| Refusal::BodyTooSlow)?.map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Refusal::BodyTooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Refusal::NotJson,
            _ => Refusal::BadJson,
        })?;
    let title = draft.title.chars().count();
    if draft.title.trim().is_empty() || title > 200 {
        return Err(Refusal::BadTitle);
    }
    if draft.body.chars().count() > 20_000 {
        return Err(Refusal::LongBody);
    }
    Ok(draft)
}

/// Visible ASCII, 1 to 255 characters; quotation marks around it, as the draft wants them, are no part of it.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let mut keys = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(key) = keys.next() else { return Ok(None) };
    let key = key.to_str().map_err(|_| Refusal::BadIdempotencyKey)?.trim();
    let key = key.strip_prefix('"').and_then(|key| key.strip_suffix('"')).unwrap_or(key);
    let fit = (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    if fit && keys.next().is_none() { Ok(Some(key.to_owned())) } else { Err(Refusal::BadIdempotencyKey) }
}

/// The versions that `If-Match` names.
enum Versions {
    Any,
    These(Vec<i64>),
}

impl Versions {
    fn read(headers: &HeaderMap) -> Result<Self, Refusal> {
        let mut versions = Vec::new();
        let mut any = false;
        let mut given = false;
        for value in headers.get_all(IF_MATCH) {
            given = true;
            for tag in value.to_str().map_err(|_| Refusal::PreconditionFailed)?.split(',').map(str::trim) {
                any |= tag == "*";
                // Anything else, weak tags among them, is no version of anything: it matches nothing.
                let strong = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
                versions.extend(strong.and_then(|tag| tag.parse::<i64>().ok()));
            }
        }
        match (given, any) {
            (false, _) => Err(Refusal::PreconditionRequired),
            (true, true) => Ok(Self::Any),
            (true, false) => Ok(Self::These(versions)),
        }
    }

    fn as_slice(&self) -> Option<&[i64]> {
        match self {
            Self::Any => None,
            Self::These(versions) => Some(versions),
        }
    }
}

/// The number in a post's name; what is no name of a post is the name of none.
struct PostId(i64);

impl<S: Send + Sync> FromRequestParts<S> for PostId {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let Path(id) =
            Path::<String>::from_request_parts(parts, state).await.map_err(|_| Refusal::NotFound)?;
        number(&id).map(Self).ok_or(Refusal::NotFound)
    }
}

fn number(id: &str) -> Option<i64> {
    id.strip_prefix("post_")?.parse().ok().filter(|number| *number > 0)
}

/// The page after the post of this number. Opaque, so that nobody comes to build one.
fn cursor(number: i64) -> String {
    URL_SAFE_NO_PAD.encode(format!("posts before {number}"))
}

fn read_cursor(cursor: &str) -> Option<i64> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    text.strip_prefix("posts before ")?.parse().ok().filter(|number| *number > 0)
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
