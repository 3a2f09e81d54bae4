//! The fetch of a list: its pages, first to last or all at once.

use std::any::Any;
use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use super::Side;
use super::erased::{AnyPage, AnyParam, DynList};
use super::lists::{ListState, Lists, entry};
use super::queries::page_key;
use crate::call::Call;
use crate::client::WeakQueryClient;
use crate::context::FetchContext;
use crate::engine::{Value, Verdict, WaiterSlot};
use crate::error::QueryError;
use crate::segment::Segment;

type Failed = QueryError<dyn Any>;

/// Fetches the pages of a list, and comes to their parameters.
pub(super) async fn walk(list: Rc<dyn DynList>, cx: FetchContext) -> Result<Vec<AnyParam>, Failed> {
    let mut walk = Walk::begin(list, &cx)?;
    drop(cx);
    let pages = walk.all().await;
    // Whatever came of it, it is over.
    walk.state.ask_nothing();
    let pages = pages?;
    walk.state.bring(&pages);
    let list = walk.list(pages);
    let dropped = walk.before.iter().filter(|param| !list.contains(param));
    walk.state.drop_pages(dropped.map(|param| param.segment.clone()).collect());
    walk.keep_age();
    walk.over = true;
    Ok(list)
}

struct Walk {
    client: WeakQueryClient,
    list: Rc<dyn DynList>,
    state: Rc<ListState>,
    number: u64,
    /// What is to be fetched again of what there is. `None`: all.
    chosen: Option<Vec<Segment>>,
    /// The list as it was when this began.
    before: Vec<AnyParam>,
    limit: Option<usize>,
    waited: Cell<bool>,
    over: bool,
}

impl Walk {
    fn begin(list: Rc<dyn DynList>, cx: &FetchContext) -> Result<Walk, Failed> {
        let client = cx.client().ok_or(QueryError::Cancelled)?;
        let state = client.extension::<Lists>().of(&list.key(), list.list_kind());
        state.forget_asked(&client);
        let chosen = state.chosen.take();
        let (held, all) = state
            .read(&client, |entry| {
                let state = &entry.state;
                (entry.base().cloned(), state.invalidated && state.error.is_none())
            })
            .unwrap_or_default();
        let chosen = chosen.filter(|_| !all);
        let number = state.begin(chosen.clone());
        let before = held.map(|held| list.read(&*held).to_vec()).unwrap_or_default();
        let limit = list.limit();
        let (client, waited) = (cx.client.clone(), Cell::new(false));
        Ok(Walk { client, list, state, number, chosen, before, limit, waited, over: false })
    }

    /// How many pages there are to be.
    fn wanted(&self) -> usize {
        let held = self.before.len().saturating_add(self.state.appended.get());
        let most = self.limit.map_or(usize::MAX, |limit| limit.saturating_add(self.state.appended.get()));
        held.max(self.state.at_least.get()).max(1).min(most)
    }

    async fn all(&self) -> Result<Vec<AnyPage>, Failed> {
        let mut pages = Vec::new();
        self.fetch(&mut pages).await?;
        if !self.waited.get() {
            // An answer that is there at once is taken in later, and more may be put in the list meanwhile.
            yield_now().await;
            self.fetch(&mut pages).await?;
        }
        Ok(pages)
    }

    /// Fetches on from these pages.
    async fn fetch(&self, pages: &mut Vec<AnyPage>) -> Result<(), Failed> {
        if pages.is_empty() && self.list.is_parallel() && !self.before.is_empty() {
            *pages = self.all_at_once().await?;
        }
        while pages.len() < self.wanted() {
            let param = match (self.before.first(), pages.is_empty()) {
                (Some(first), true) => Some(first.clone()),
                (None, true) => Some(self.list.first_param()),
                (_, false) => self.next(pages),
            };
            let Some(param) = param else { break };
            let data = self.page(&param).await?;
            pages.push(AnyPage { param, data });
        }
        Ok(())
    }

    /// The parameter of the page after these.
    fn next(&self, pages: &[AnyPage]) -> Option<AnyParam> {
        let next = self.list.beyond(Side::Next, &*self.list.build(pages))?;
        (!pages.iter().any(|page| page.param == next)).then_some(next)
    }

    /// All pages at once. The list ends where one of them says so.
    async fn all_at_once(&self) -> Result<Vec<AnyPage>, Failed> {
        let all = self.before.iter().map(|param| self.ask(param)).collect();
        let mut pages = Vec::new();
        for (param, verdict) in self.before.iter().zip(AtOnce(all).await) {
            pages.push(AnyPage { param: param.clone(), data: verdict? });
        }
        for end in 1..pages.len() {
            let there = pages.get(..end).unwrap_or_default();
            if self.list.beyond(Side::Next, &*self.list.build(there)).is_none() {
                pages.truncate(end);
                break;
            }
        }
        Ok(pages)
    }

    async fn page(&self, param: &AnyParam) -> Result<Value, Failed> {
        let mut all = AtOnce(vec![self.ask(param)]).await;
        all.pop().unwrap_or(Err(QueryError::Cancelled))
    }

    /// The page that is there, if it need not be fetched, or a call that waits for it.
    fn ask(&self, param: &AnyParam) -> Asked {
        let moving = self.state.moves.is_toward(&param.segment);
        self.state.claim([param.segment.clone()]);
        let (Some(client), Some(query)) = (self.client.upgrade(), self.list.clone().page_query(param)) else {
            return Asked::There(Err(QueryError::Cancelled));
        };
        let key = page_key(&self.state.key, param.segment.clone());
        let kind = self.list.page_kind();
        let held = client.read(|engine| {
            let entry = entry(engine, &key, kind)?;
            let busy = entry.fetch.is_some() || entry.state.invalidated;
            Some((entry.data()?.clone(), busy))
        });
        let known = self.before.contains(param);
        let kept = moving || self.was_put_in(param) || (known && !self.is_chosen(&param.segment));
        let slot = match held {
            Some((data, false)) if kept => return Asked::There(Ok(data)),
            // The list is new: a page that is there already may be fresh.
            _ if kept || self.before.is_empty() => client.call(&query),
            _ => client.call_anew(&query),
        };
        self.waited.set(true);
        Asked::Waits(PageCall { client: self.client.clone(), slot })
    }

    /// A list is as old as when all of it was last fetched.
    fn keep_age(&self) {
        if let Some(client) = self.client.upgrade().filter(|_| !self.state.is_of_all()) {
            client.mark(|engine| {
                if let Some(slot) = engine.find(&self.state.key, self.state.kind) {
                    engine.keep_age(slot);
                }
            });
        }
    }

    fn is_chosen(&self, page: &Segment) -> bool {
        self.chosen.as_ref().is_none_or(|chosen| chosen.contains(page))
    }

    /// Whether the page came to the list since this began.
    fn was_put_in(&self, param: &AnyParam) -> bool {
        !self.before.is_empty() && !self.before.contains(param) && self.now().contains(param)
    }

    /// The list as it is.
    fn now(&self) -> Vec<AnyParam> {
        let held = self
            .client
            .upgrade()
            .and_then(|client| self.state.read(&client, |entry| entry.base().cloned()).flatten());
        held.map(|held| self.list.read(&*held).to_vec()).unwrap_or_default()
    }

    /// The parameters of these pages, with those that were put in before them meanwhile, and without those that
    /// are too many.
    fn list(&self, pages: Vec<AnyPage>) -> Vec<AnyParam> {
        let now = self.now();
        let first = self.before.first().and_then(|first| now.iter().position(|param| param == first));
        let mut list: Vec<_> = now.into_iter().take(first.unwrap_or(0)).collect();
        for page in pages {
            if !list.contains(&page.param) {
                list.push(page.param);
            }
        }
        if let Some(over) = self.limit.and_then(|limit| list.len().checked_sub(limit)) {
            match self.state.last_side.get() {
                Some(Side::Next) => drop(list.drain(..over)),
                _ => list.truncate(list.len() - over),
            }
        }
        list
    }
}

impl Drop for Walk {
    fn drop(&mut self) {
        if let Some(client) = self.client.upgrade() {
            self.state.forget_asked(&client);
        }
        self.state.end(self.number, !self.over);
    }
}

enum Asked {
    There(Verdict),
    Waits(PageCall),
}

/// A call that does not keep the cache alive, since the cache owns it.
struct PageCall {
    client: WeakQueryClient,
    slot: WaiterSlot,
}

impl PageCall {
    fn poll(&self, cx: &Context<'_>) -> Poll<Verdict> {
        match self.client.upgrade() {
            Some(client) => Call::poll_slot(&client, self.slot, cx),
            None => Poll::Ready(Err(QueryError::Cancelled)),
        }
    }
}

impl Drop for PageCall {
    fn drop(&mut self) {
        if let Some(client) = self.client.upgrade() {
            client.step(|engine, _, fx| engine.hang_up(self.slot, fx));
        }
    }
}

/// Ready when all are. One that fails keeps the others from nothing.
struct AtOnce(Vec<Asked>);

impl Future for AtOnce {
    type Output = Vec<Verdict>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Vec<Verdict>> {
        let mut all_there = true;
        for asked in &mut self.0 {
            let Asked::Waits(call) = asked else { continue };
            match call.poll(cx) {
                Poll::Ready(verdict) => *asked = Asked::There(verdict),
                Poll::Pending => all_there = false,
            }
        }
        if !all_there {
            return Poll::Pending;
        }
        let verdicts = std::mem::take(&mut self.0).into_iter().filter_map(|asked| match asked {
            Asked::There(verdict) => Some(verdict),
            Asked::Waits(_) => None,
        });
        Poll::Ready(verdicts.collect())
    }
}

async fn yield_now() {
    let mut yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
