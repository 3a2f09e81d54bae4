//! Somebody who uses the API and knows what each answer has to be.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::http::Request;
use axum::http::request::Builder;
use foo_types::{Foo, Post, PostPage, Problem};
use serde_json::json;

use crate::common::{SigningKey, with};
use crate::connection::{Answer, Connection};

/// As many as the API gives unasked.
const PAGE: usize = 20;

/// The kinds of request, by how many of a hundred are of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// 70: `GET /foo`.
    Foo,
    /// 20: `GET /posts`.
    List,
    /// 3: `POST /posts` with a new idempotency key.
    Write,
    /// 2: the last one sent again.
    Repeat,
    /// 1: another post with the last key.
    Reuse,
    /// 3: `PUT /posts/{id}` with the version that is there.
    Edit,
    /// 1: the same with one that is no more.
    EditOld,
}

/// What came of one request.
pub struct Outcome {
    pub act: Act,
    pub latency: Duration,
    /// What was wrong with the answer.
    pub wrong: Option<String>,
}

pub struct Person {
    id: String,
    bearer: String,
    connection: Connection,
    /// What they wrote, oldest first.
    posts: Vec<Post>,
    /// The last post as it was first answered, and its idempotency key.
    last: Option<(Post, String)>,
    random: u64,
    sent: u64,
}

impl Person {
    pub fn new(number: usize, key: &SigningKey, time: Duration, connection: Connection) -> Self {
        let id = format!("user_{number}");
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let mut claims = with("sub", id.as_str());
        let until = now + time.as_secs() + 60;
        (claims["iat"], claims["nbf"], claims["exp"]) = (json!(now), json!(now - 10), json!(until));
        let bearer = format!("Bearer {}", key.sign(&claims));
        let random = number as u64 + 1;
        Self { id, bearer, connection, posts: Vec::new(), last: None, random, sent: 0 }
    }

    /// One request after the other, each begun before `end` and all of them waited for.
    pub async fn act_until(mut self, end: Instant) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        while Instant::now() < end {
            let act = self.choose();
            let start = Instant::now();
            let answer = self.send(act).await;
            let latency = start.elapsed();
            let lost = answer.is_err();
            let wrong = answer.and_then(|answer| self.check(act, &answer)).err();
            outcomes.push(Outcome { act, latency, wrong });
            if lost {
                break;
            }
        }
        outcomes
    }

    fn choose(&mut self) -> Act {
        // Knuth's MMIX generator: the same requests in every run.
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        match (self.random >> 33) % 100 {
            0..70 => Act::Foo,
            70..90 => Act::List,
            _ if self.last.is_none() => Act::Write,
            90..93 => Act::Write,
            93..95 => Act::Repeat,
            95 => Act::Reuse,
            96..99 => Act::Edit,
            _ => Act::EditOld,
        }
    }

    async fn send(&mut self, act: Act) -> Result<Answer, String> {
        self.sent += 1;
        let (last, key) = self.last.clone().unzip();
        let key = key.unwrap_or_default();
        let path = |post: &Option<Post>| format!("/posts/{}", post.as_ref().map_or("", |post| &post.id));
        let title = format!("Post {} of {}", self.sent, self.id);
        let version = self.posts.last().map_or(0, |post| post.version);
        let request = match act {
            Act::Foo => self.request("GET", "/foo").body(Body::empty()),
            Act::List => self.request("GET", "/posts").body(Body::empty()),
            Act::Write => {
                let key = format!("key-{}", self.sent);
                self.request("POST", "/posts").header("idempotency-key", key).body(draft(&title))
            }
            Act::Repeat => {
                let title = last.map(|post| post.title).unwrap_or_default();
                self.request("POST", "/posts").header("idempotency-key", key).body(draft(&title))
            }
            Act::Reuse => self.request("POST", "/posts").header("idempotency-key", key).body(draft(&title)),
            Act::Edit => {
                self.request("PUT", &path(&last)).header("if-match", tag(version)).body(draft(&title))
            }
            Act::EditOld => {
                self.request("PUT", &path(&last)).header("if-match", tag(version - 1)).body(draft(&title))
            }
        };
        self.connection.send(request.map_err(|error| error.to_string())?).await
    }

    fn request(&self, method: &str, path: &str) -> Builder {
        let request = Request::builder().method(method).uri(path).header("host", "localhost");
        request.header("authorization", &self.bearer).header("content-type", "application/json")
    }

    /// Status and body against what this person has done so far, to the letter.
    fn check(&mut self, act: Act, answer: &Answer) -> Result<(), String> {
        let status = match act {
            Act::Foo | Act::List | Act::Edit => 200,
            Act::Write | Act::Repeat => 201,
            Act::Reuse => 422,
            Act::EditOld => 412,
        };
        ensure(answer.status == status, || format!("status {}: {}", answer.status, answer.text()))?;
        ensure(answer.header("cache-control") == "private, no-store", || "it may be stored".into())?;
        match act {
            Act::Foo => {
                let foo: Foo = answer.json()?;
                ensure(foo.asked_by.user_id == self.id, || format!("meant for {}", foo.asked_by.user_id))
            }
            Act::List => {
                let page: PostPage = answer.json()?;
                let right = page.posts.iter().eq(self.posts.iter().rev().take(PAGE));
                ensure(right, || format!("{:?} for {:?}", page.posts, self.posts))?;
                ensure(page.next_cursor.is_some() == (self.posts.len() > PAGE), || "no right cursor".into())
            }
            Act::Write => {
                let post: Post = answer.json()?;
                ensure(post.author_id == self.id && post.version == 1, || format!("{post:?}"))?;
                ensure(post.title == format!("Post {} of {}", self.sent, self.id), || post.title.clone())?;
                ensure(!answer.headers.contains_key("idempotency-replayed"), || "a replay".into())?;
                self.last = Some((post.clone(), format!("key-{}", self.sent)));
                self.posts.push(post);
                Ok(())
            }
            Act::Repeat => {
                let post: Post = answer.json()?;
                ensure(self.last.as_ref().is_some_and(|(last, _)| *last == post), || format!("{post:?}"))?;
                ensure(answer.header("idempotency-replayed") == "true", || "done twice".into())
            }
            Act::Edit => {
                let post: Post = answer.json()?;
                let held = self.posts.last_mut().ok_or("nothing to edit")?;
                ensure(post.id == held.id && post.version == held.version + 1, || format!("{post:?}"))?;
                ensure(answer.header("etag") == tag(post.version), || "another ETag".into())?;
                *held = post;
                Ok(())
            }
            Act::Reuse => reason(answer, "idempotency-key-reused"),
            Act::EditOld => reason(answer, "version-changed"),
        }
    }
}

fn ensure(right: bool, wrong: impl FnOnce() -> String) -> Result<(), String> {
    if right { Ok(()) } else { Err(wrong()) }
}

fn reason(answer: &Answer, wanted: &str) -> Result<(), String> {
    let problem: Problem = answer.json()?;
    ensure(problem.reason.as_deref() == Some(wanted), || format!("{problem:?}"))
}

fn draft(title: &str) -> Body {
    Body::from(json!({ "title": title, "body": "A few words, as people write them. ".repeat(8) }).to_string())
}

fn tag(version: i64) -> String {
    format!("\"{version}\"")
}
