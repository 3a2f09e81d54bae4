//! JSON, messages and records that are damaged or made up: nothing panics, and nothing else is spoilt.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::disk::{Disk, page};
use common::lab::Lab;
use common::travels::number;
use common::{Stage, shows, stage};
use query_cache::{QueryFilter, ScopeName};

struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end.max(1)
    }
}

/// What may stand where something else is expected.
fn values() -> Vec<String> {
    let mut values: Vec<String> = [
        "null",
        "true",
        "-1",
        "0",
        "1",
        "18446744073709551615",
        "18446744073709551616",
        "1e400",
        "-0.0",
        "1.5",
        "\"\"",
        "\"\\u0000\"",
        "\"Hello\"",
        "[]",
        "{}",
        "[[]]",
        "{\"\":1}",
        "{\"\":1,\"a\":2}",
        "[1,2]",
        "{\"Data\":null}",
        "{\"Unknown\":{\"a\":1}}",
        "\"Ended\"",
        "{\"Keys\":[[]]}",
    ]
    .map(str::to_owned)
    .into();
    for depth in [100, 200, 50_000] {
        values.push("[".repeat(depth) + &"]".repeat(depth));
        values.push("{\"a\":".repeat(depth) + "1" + &"}".repeat(depth));
    }
    values
}

/// Damages a text: cuts it, leaves something out, says something twice, or puts a value in place of another.
fn damage(text: &str, dice: &mut Dice, values: &[String]) -> String {
    let chars: Vec<char> = text.chars().collect();
    let (mut from, mut to) = (dice.below(chars.len()), dice.below(chars.len()));
    (from, to) = (from.min(to), from.max(to));
    let part = |from: usize, to: usize| chars[from..to].iter().collect::<String>();
    match dice.below(8) {
        0 => part(0, to),
        1 => part(0, from) + &part((from + 1 + dice.below(8)).min(chars.len()), chars.len()),
        2 => part(0, to) + &part(from, chars.len()),
        _ => {
            let ends = |place: usize| matches!(chars[place], ',' | ':' | '[' | '{' | ']' | '}');
            let starts: Vec<usize> = (0..chars.len() - 1).filter(|place| ends(*place)).collect();
            let start = starts[dice.below(starts.len())] + 1;
            let end = (start..chars.len()).find(|place| ends(*place)).unwrap_or(chars.len());
            part(0, start) + &values[dice.below(values.len())] + &part(end, chars.len())
        }
    }
}

fn named() -> Stage {
    let stage = stage();
    stage.client.name_scope(ScopeName::new("ada"));
    stage
}

#[test]
fn a_damaged_cache_is_read_as_far_as_it_can_be() {
    let from = named();
    for id in 1..=3 {
        from.client.set_data(&number(id), id);
    }
    let json = from.client.dehydrate(QueryFilter::all()).json;
    let (mut dice, values) = (Dice(1), values());
    for _ in 0..2_000 {
        let to = named();
        to.client.set_data(&number(3), 30);
        let damaged = damage(&json, &mut dice, &values);
        if let Ok(report) = to.client.hydrate(&damaged) {
            assert!(report.taken <= 6);
        }
        to.client.get_data(&number(1));
        to.client.dehydrate(QueryFilter::all());
        assert_eq!(to.client.get_data(&number(3)).as_deref(), Some(&30), "{damaged}");
    }
}

#[test]
fn damaged_messages_do_no_harm() {
    let lab = Lab::new();
    let [first, second] = [lab.open("ada"), lab.open("ada")];
    let tabs = [&first, &second];
    let viewers = tabs.map(|tab| tab.watch(number(1)));
    lab.millis(&tabs, 2_000);
    first.client.set_data(&number(1), 7);
    first.client.invalidate_then(QueryFilter::all(), query_cache::Then::Nothing);
    first.client.invalidate_then(&number(2), query_cache::Then::Nothing);
    lab.millis(&tabs, 10);
    let said: Vec<String> = lab.said_in_full().into_iter().filter(|said| !said.contains("Ended")).collect();
    assert!(said.len() >= 6);
    let (mut dice, values) = (Dice(2), values());
    for _ in 0..1_500 {
        let message = &said[dice.below(said.len())];
        // A hostile page does not damage what says that it is heard.
        let (from, says) = message.split_at(message.find("\"says\"").unwrap());
        let damaged = damage(&format!("{{{says}"), &mut dice, &values);
        lab.says(&(from.replace(r#""tab":"#, r#""tab":1"#) + &damaged[1..]));
        lab.says(&damage(message, &mut dice, &values));
        lab.millis(&tabs, 1);
    }
    lab.millis(&tabs, 30_000);
    second.client.name_scope(ScopeName::new("ada"));
    first.client.name_scope(ScopeName::new("ada"));
    viewers.iter().for_each(|viewer| viewer.observer.refetch());
    lab.millis(&tabs, 30_000);
    assert!(
        viewers.iter().all(|viewer| shows(viewer).parse::<u32>().is_ok() && !viewer.observer.is_fetching())
    );
    assert!(
        viewers.iter().all(|viewer| viewer.observer.details().updated_at
            <= Some(query_cache::Environment::now(&first.world)))
    );
}

#[test]
fn damaged_records_are_dropped_and_the_rest_is_found() {
    let (mut dice, values) = (Dice(3), values());
    for _ in 0..1_000 {
        let disk = Disk::default();
        let first = page(&disk, "ada", 0);
        for id in 1..=3 {
            first.client.set_data(&number(id), id);
        }
        first.world.run();
        let mut damaged = String::new();
        disk.change(|records| {
            let names: Vec<String> = records.keys().cloned().collect();
            let name = &names[dice.below(names.len())];
            damaged = match dice.below(2) {
                0 => {
                    let text = format!("[{}]", records[name]);
                    let worse = damage(&text, &mut dice, &values);
                    records.insert(name.clone(), worse);
                    name.clone()
                }
                _ => {
                    let text = records.remove(name).unwrap();
                    records.entry(damage(name, &mut dice, &values)).or_insert(text);
                    name.clone()
                }
            };
        });
        let next = page(&disk, "ada", 1);
        for id in 1..=3 {
            let viewer = next.watch(number(id));
            next.millis(1_100);
            let shown: u32 = shows(&viewer).parse().unwrap();
            if !damaged.contains(&format!("{id}]")) {
                assert_eq!((shown, viewer.observer.is_fetching()), (id, false), "{damaged}");
            }
        }
        assert_eq!(next.faults.take(), []);
    }
}
