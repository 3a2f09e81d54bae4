//! Mutations in components: what is shown, in how many renders, and what goes on without them.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use common::{Handle, Number, Renders, Server, Stage, texts};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use yew::prelude::*;
use yew_query_cache::*;

wasm_bindgen_test_configure!(run_in_browser);

/// Takes a second; then what it sent is out of date, and it is pending until that is shown.
struct Save;

impl Mutation for Save {
    type Variables = u32;
    type Data = String;
    type Error = String;

    fn name(&self) -> &'static str {
        "save"
    }
    fn options(&self, defaults: MutationOptions<Self>) -> MutationOptions<Self> {
        // As long as the server says, so that no wait is drawn.
        defaults.retry(1).backoff(Duration::ZERO, Duration::ZERO)
    }
    async fn mutate(&self, number: &u32, cx: MutationContext) -> Result<String, String> {
        let server = cx.get::<Server>()?;
        server.requests.borrow_mut().push(*number);
        server.world.sleep(seconds(1)).await;
        let fault = server.faults.borrow_mut().pop_front();
        fault.map_or_else(|| Ok(format!("saved {number}")), |fault| Err(fault.to_owned()))
    }
    async fn on_success(&self, _: &String, number: &u32, cx: MutationContext) {
        cx.client().invalidate(&Number(*number));
        cx.client().settled(&Number(*number)).await;
    }
}

fn words(state: &MutationState<String, String>) -> String {
    match state {
        MutationState::Idle => "idle".to_owned(),
        MutationState::Pending { paused: true, .. } => "paused".to_owned(),
        MutationState::Pending { retry: Some(retry), .. } => format!("again: {}", retry.error),
        MutationState::Pending { .. } => "pending".to_owned(),
        MutationState::Success { data } => data.to_string(),
        MutationState::Error { error } => format!("error: {error}"),
    }
}

type Save1 = Handle<UseMutation<Save>>;

#[derive(Clone, PartialEq, Properties)]
struct FormProps {
    renders: Renders,
    /// What it reads.
    reads: &'static str,
    save: Save1,
}

#[component]
fn Form(props: &FormProps) -> Html {
    props.renders.count();
    let save = use_mutation(Save);
    props.save.put(save.clone());
    let shown = match props.reads {
        "state" => words(save.state()),
        "is_pending" => save.is_pending().to_string(),
        "details" => save.details().map_or("none".to_owned(), |d| format!("{} {}", d.variables, d.failures)),
        _ => String::new(),
    };
    html! { <span>{shown}</span> }
}

async fn form(stage: &Stage, reads: &'static str) -> Save1 {
    let save = Save1::default();
    let form = html! { <Form renders={stage.renders.clone()} {reads} save={save.clone()} /> };
    stage.show(form).await;
    stage.renders.take();
    save
}

const HALF: Duration = Duration::from_millis(500);

#[wasm_bindgen_test]
async fn a_call_is_pending_then_a_success_or_an_error_each_shown_in_one_render() {
    let stage = Stage::new().await;
    let save = form(&stage, "state").await;
    assert_eq!(stage.texts(), ["idle"]);
    save.get().mutate(1);
    assert_eq!(stage.requests(), [1], "sent in the call");
    stage.flush().await;
    assert_eq!(stage.seen(), (texts(["pending"]), 1));
    stage.pass(seconds(1)).await;
    assert_eq!(stage.seen(), (texts(["saved 1"]), 1));

    stage.fail(["busy", "down"]);
    save.get().mutate(2);
    stage.flush().await;
    assert_eq!(stage.seen(), (texts(["pending"]), 1), "not what was saved before");
    stage.pass(seconds(1)).await;
    assert_eq!(stage.texts(), ["again: busy"]);
    stage.pass(seconds(1)).await;
    assert_eq!(stage.texts(), ["error: down"]);
    assert!(stage.renders.take() <= 3, "at most: failed, tried again, error");
    save.get().reset();
    stage.flush().await;
    assert_eq!(stage.seen(), (texts(["idle"]), 1));
}

#[wasm_bindgen_test]
async fn a_component_renders_only_for_what_it_reads() {
    for (reads, renders, last) in [("nothing", 0, ""), ("is_pending", 2, "false"), ("details", 3, "1 1")] {
        let stage = Stage::new().await;
        let save = form(&stage, reads).await;
        stage.fail(["busy"]);
        // A wait, so that it is seen.
        stage.client.set_focused(false);
        save.get().mutate(1);
        stage.pass(seconds(5)).await;
        stage.client.set_focused(true);
        stage.flush().await;
        stage.pass(seconds(5)).await;
        assert_eq!(stage.requests(), [1, 1], "{reads}");
        assert_eq!(stage.seen(), (texts([last]), renders), "{reads}");
    }
}

#[wasm_bindgen_test]
async fn a_concurrent_success_and_failure_each_reach_who_asked_and_the_latest_is_shown() {
    let stage = Stage::new().await;
    let save = form(&stage, "state").await;
    let told = Rc::new(RefCell::new(Vec::new()));
    let tell = |number: u32| {
        let told = told.clone();
        save.get().mutate_then(number, move |outcome| {
            told.borrow_mut().push((number, outcome.map(|data| data.to_string()).map_err(|e| e.to_string())));
        });
    };
    // The first fails, twice; the second, sent between, succeeds.
    stage.fail(["busy"]);
    tell(1);
    stage.pass(HALF).await;
    tell(2);
    stage.pass(HALF).await;
    stage.fail([]);
    assert_eq!(stage.texts(), ["pending"], "the second");
    stage.pass(HALF).await;
    assert_eq!(stage.texts(), ["saved 2"]);
    stage.fail(["down"]);
    stage.renders.take();
    stage.pass(seconds(5)).await;
    assert_eq!(stage.seen(), (texts(["saved 2"]), 0), "the first is over since, and shown nowhere");
    assert_eq!(told.take(), [(2, Ok("saved 2".to_owned())), (1, Err("down".to_owned()))]);
}

/// Takes as long, and comes to what, it is told.
struct Told;

#[derive(Clone, Copy)]
struct What {
    name: &'static str,
    millis: u64,
    fails: bool,
}

impl Mutation for Told {
    type Variables = What;
    type Data = String;
    type Error = String;

    fn name(&self) -> &'static str {
        "told"
    }
    async fn mutate(&self, what: &What, cx: MutationContext) -> Result<String, String> {
        let server = cx.get::<Server>()?;
        server.world.sleep(Duration::from_millis(what.millis)).await;
        if what.fails { Err(format!("no {}", what.name)) } else { Ok(format!("yes {}", what.name)) }
    }
}

#[derive(Clone, PartialEq, Properties)]
struct TellProps {
    handle: Handle<UseMutation<Told>>,
}

#[component]
fn Tell(props: &TellProps) -> Html {
    let told = use_mutation(Told);
    props.handle.put(told.clone());
    let variables = told.details().map_or("none", |details| details.variables.name);
    html! { <span>{format!("{variables}: {}", words(told.state()))}</span> }
}

#[wasm_bindgen_test]
async fn of_two_calls_at_once_each_future_and_callback_has_its_own_end_and_the_latest_is_shown() {
    // Whichever fails, and whichever is over first.
    for (first_fails, first_millis) in [(true, 1_500), (false, 1_500), (true, 500), (false, 500)] {
        let stage = Stage::new().await;
        let handle = Handle::default();
        stage.show(html! { <Tell handle={handle.clone()} /> }).await;
        let ends = Rc::new(RefCell::new(Vec::new()));
        let calls = [
            What { name: "first", millis: first_millis, fails: first_fails },
            What { name: "second", millis: 1_000, fails: !first_fails },
        ];
        let text = |outcome: Result<Rc<String>, MutationError<String>>| match outcome {
            Ok(data) => data.to_string(),
            Err(error) => error.to_string(),
        };
        for call in calls {
            let (future, told) = (handle.get().mutate_and_wait(call), ends.clone());
            let wait = async move {
                let end = text(future.await);
                told.borrow_mut().push(end);
            };
            query_cache::Environment::spawn(&stage.world, Box::pin(wait));
        }
        stage.flush().await;
        assert_eq!(stage.texts(), ["second: pending"]);
        stage.pass(Duration::from_millis(700)).await;
        assert_eq!(
            (stage.texts(), ends.borrow().len()),
            (texts(["second: pending"]), (first_millis < 700).into())
        );
        stage.pass(seconds(1)).await;
        let (first, second) =
            if first_fails { ("no first", "yes second") } else { ("yes first", "no second") };
        let in_order = if first_millis < 1_000 { [first, second] } else { [second, first] };
        assert_eq!(ends.take(), in_order);
        let shown = if first_fails { "second: yes second" } else { "second: error: no second" };
        assert_eq!(stage.texts(), [shown]);

        // The same, told to callbacks.
        for call in calls {
            let told = ends.clone();
            handle.get().mutate_then(call, move |outcome| told.borrow_mut().push(text(outcome)));
        }
        stage.pass(seconds(2)).await;
        assert_eq!((ends.take(), stage.texts()), (in_order.map(str::to_owned).to_vec(), texts([shown])));
    }
}

#[wasm_bindgen_test]
async fn a_handle_of_a_client_before_shows_no_call_of_the_one_that_is_there() {
    let stage = Stage::new().await;
    let save = form(&stage, "state").await;
    let old = save.get();
    let other = QueryClient::new(stage.world.clone());
    other.provide(stage.server.clone());
    let form = html! { <Form renders={stage.renders.clone()} reads="state" save={save.clone()} /> };
    stage.show_bare(html! { <QueryClientProvider client={other.clone()}>{form}</QueryClientProvider> }).await;
    // The first call of each has the same number.
    other.mutate(Save, 2).detach();
    old.mutate(1);
    stage.flush().await;
    assert_eq!((stage.texts(), stage.requests()), (texts(["idle"]), vec![2, 1]));
    stage.pass(seconds(1)).await;
    assert_eq!(stage.texts(), ["idle"]);
}

thread_local! {
    static MEANWHILE: RefCell<Option<Box<dyn FnOnce()>>> = const { RefCell::new(None) };
}

/// Has something done the next time that it is compared.
#[derive(Clone)]
struct Nosy(usize);

impl PartialEq for Nosy {
    fn eq(&self, other: &Self) -> bool {
        let meanwhile = MEANWHILE.take();
        if let Some(meanwhile) = meanwhile {
            meanwhile();
        }
        self.0 == other.0
    }
}

#[component]
fn Compares(props: &RendersProps) -> Html {
    props.renders.count();
    let calls = use_mutation_state(MutationFilter::all(), |call| Nosy(usize::from(call.is_paused())));
    html! { <span>{format!("{} {}", calls.len(), calls.iter().filter(|paused| paused.0 > 0).count())}</span> }
}

#[wasm_bindgen_test]
async fn what_is_compared_may_make_calls_of_its_own() {
    let stage = Stage::new().await;
    stage.show(html! { <Compares renders={stage.renders.clone()} /> }).await;
    stage.client.mutate(Save, 1).detach();
    stage.flush().await;
    assert_eq!(stage.texts(), ["1 0"]);
    let (client, world) = (stage.client.clone(), stage.world.clone());
    MEANWHILE.set(Some(Box::new(move || {
        client.mutate(Save, 2).detach();
        client.mutate(Save, 3).detach();
        world.run();
    })));
    stage.client.set_online(false);
    stage.pass(seconds(5)).await;
    assert!(MEANWHILE.with_borrow(Option::is_none));
    assert_eq!(stage.texts(), ["3 2"]);
}

#[wasm_bindgen_test]
async fn unmounting_stops_no_mutation_and_nothing_of_the_component_is_called() {
    let stage = Stage::new().await;
    stage.views(&[1]).await;
    stage.pass(seconds(1)).await;
    let watched = stage.client.observe(Number(1), || {});
    let save = form(&stage, "state").await;
    let handle = save.get();
    handle.mutate_then(1, |_| panic!("the component is gone"));
    let waited = Rc::new(RefCell::new(None));
    let told = waited.clone();
    let future = handle.mutate_and_wait(2);
    query_cache::Environment::spawn(
        &stage.world,
        Box::pin(async move {
            let outcome = future.await;
            told.replace(Some(outcome));
        }),
    );
    drop(handle);
    stage.pass(HALF).await;
    stage.show(html! {}).await;
    stage.pass(HALF).await;
    assert_eq!(
        stage.client.count_mutations(MutationFilter::all().pending()),
        1,
        "until what is shown is new"
    );
    stage.pass(seconds(1)).await;
    assert_eq!(stage.requests(), [1, 1, 2, 1], "fetched, saved, saved, fetched");
    assert_eq!(watched.state().data().unwrap().as_str(), "1 of request 3");
    assert_eq!(waited.take().unwrap().unwrap().as_str(), "saved 2");
    assert_eq!(stage.client.count_mutations(MutationFilter::all().status(MutationStatus::Success)), 2);
    assert_eq!((stage.renders.take() > 0, stage.aborted()), (true, 0));
}

#[wasm_bindgen_test]
async fn the_end_of_the_scope_shows_no_call_and_what_is_offline_says_that_it_waits() {
    let stage = Stage::new().await;
    let save = form(&stage, "state").await;
    stage.client.set_online(false);
    save.get().mutate_then(1, |_| panic!("the scope has ended"));
    stage.flush().await;
    assert_eq!((stage.requests(), stage.seen()), (vec![], (texts(["paused"]), 1)));
    stage.client.end_scope();
    stage.flush().await;
    assert_eq!(stage.seen(), (texts(["idle"]), 1));
    save.get().mutate(2);
    stage.client.set_online(true);
    stage.flush().await;
    assert_eq!((stage.requests(), stage.seen()), (vec![2], (texts(["pending"]), 1)));
    save.get().cancel();
    stage.flush().await;
    assert_eq!(stage.seen().0, ["error: it was called off before there was an answer"]);
}

#[derive(Clone, PartialEq, Properties)]
struct RendersProps {
    renders: Renders,
}

#[component]
fn Indicator(props: &RendersProps) -> Html {
    props.renders.count();
    let saving = use_is_mutating(MutationFilter::named("save"));
    html! { <span>{saving}</span> }
}

#[component]
fn Unsent(props: &RendersProps) -> Html {
    props.renders.count();
    let unsent = use_mutation_state(MutationFilter::of::<Save>().pending(), |call| {
        format!("{}{}", call.variables::<u32>().unwrap(), if call.is_paused() { " waits" } else { "" })
    });
    html! { <span>{unsent.join(", ")}</span> }
}

#[wasm_bindgen_test]
async fn what_is_not_over_is_counted_for_the_whole_page_and_only_another_number_renders() {
    let stage = Stage::new().await;
    stage.fail(["busy"]);
    stage.show(html! { <Indicator renders={stage.renders.clone()} /> }).await;
    assert_eq!(stage.seen(), (texts(["0"]), 1));
    stage.client.mutate(Save, 1).detach();
    stage.client.mutate(Save, 2).detach();
    stage.client.mutate(mutation("other", async |(): &(), _| Ok::<_, String>(())), ()).detach();
    stage.flush().await;
    assert_eq!(stage.seen(), (texts(["2"]), 1));
    stage.pass(seconds(1)).await;
    assert_eq!(stage.seen(), (texts(["1"]), 1), "one is done, one tries again");
    stage.pass(seconds(1)).await;
    assert_eq!(stage.seen(), (texts(["0"]), 1));
    stage.pass(minutes(10)).await;
    assert_eq!(stage.renders.take(), 0, "forgetting them is no other number");
}

#[wasm_bindgen_test]
async fn what_is_on_its_way_can_be_shown_elsewhere_and_equal_values_render_nothing() {
    let stage = Stage::new().await;
    stage.show(html! { <Unsent renders={stage.renders.clone()} /> }).await;
    assert_eq!(stage.seen(), (texts([""]), 1));
    stage.client.set_online(false);
    stage.client.mutate(Save, 1).detach();
    stage.client.mutate(Save, 2).detach();
    stage.flush().await;
    assert_eq!(stage.seen(), (texts(["1 waits, 2 waits"]), 1));
    stage.client.set_focused(false);
    stage.client.set_focused(true);
    stage.client.mutate(mutation("other", async |(): &(), _| Ok::<_, String>(())), ()).detach();
    stage.flush().await;
    assert_eq!(stage.renders.take(), 0);
    stage.client.hold_scope();
    stage.flush().await;
    assert_eq!(stage.seen(), (texts([""]), 1));
    stage.client.restore_scope();
    stage.client.set_online(true);
    stage.flush().await;
    assert_eq!(stage.seen(), (texts(["1, 2"]), 1));
    stage.pass(seconds(1)).await;
    assert_eq!(stage.seen(), (texts([""]), 1));
}

#[wasm_bindgen_test]
async fn another_client_in_the_provider_shows_no_call_of_the_first() {
    let stage = Stage::new().await;
    let save = form(&stage, "state").await;
    save.get().mutate(1);
    stage.flush().await;
    let other = QueryClient::new(query_cache::ManualEnvironment::new(2));
    let form = html! { <Form renders={stage.renders.clone()} reads="state" save={save.clone()} /> };
    stage.show_bare(html! { <QueryClientProvider client={other.clone()}>{form}</QueryClientProvider> }).await;
    assert_eq!(stage.texts(), ["idle"]);
    stage.renders.take();
    stage.pass(seconds(5)).await;
    assert_eq!(stage.seen(), (texts(["idle"]), 0));
    assert_eq!(stage.client.count_mutations(MutationFilter::all().status(MutationStatus::Success)), 1);
}
