//! `BEHAVIOURS.md` and the tests say the same.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// How many behaviours there are, and how many of them may not apply.
const ROWS: usize = 152;
const NOT_APPLYING: usize = 25;

/// A row: its sentence, its tests, those of them that are in a browser, and what is said instead of tests.
struct Row {
    number: usize,
    sentence: String,
    native: Vec<String>,
    browser: Vec<String>,
    instead: Option<String>,
}

fn rows() -> Vec<Row> {
    let table = include_str!("../../BEHAVIOURS.md").lines().filter_map(|line| line.strip_prefix("| "));
    table.filter(|line| line.starts_with(|first: char| first.is_ascii_digit())).map(row).collect()
}

fn row(line: &str) -> Row {
    let cells: Vec<&str> = line.trim_end_matches('|').split(" | ").map(str::trim).collect();
    let [number, sentence, shown] = cells[..] else { panic!("three cells: {line}") };
    let mut row = Row {
        number: number.parse().unwrap(),
        sentence: sentence.to_owned(),
        native: Vec::new(),
        browser: Vec::new(),
        instead: None,
    };
    if !shown.ends_with('`') {
        row.instead = Some(shown.to_owned());
        return row;
    }
    for test in shown.split(", ") {
        let (tests, name) = match test.strip_prefix("browser: ") {
            Some(name) => (&mut row.browser, name),
            None => (&mut row.native, test),
        };
        let name = name.strip_prefix('`').and_then(|name| name.strip_suffix('`'));
        tests.push(name.unwrap_or_else(|| panic!("a name in backticks: {line}")).to_owned());
    }
    row
}

/// The names of the functions that stand under this attribute, in the files of a folder.
fn tests_in(folder: &Path, attribute: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let text = fs::read_to_string(path).unwrap();
        let mut lines = text.lines();
        while lines.any(|line| line.trim() == attribute) {
            let line = lines.next().unwrap().trim().trim_start_matches("async ");
            let name = line.strip_prefix("fn ").and_then(|line| line.split('(').next()).unwrap();
            assert!(names.insert(name.to_owned()), "two tests called {name}");
        }
    }
    names
}

#[test]
fn every_behaviour_has_its_row_and_every_row_its_tests() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let native = tests_in(&here.join("tests/behaviours"), "#[test]");
    // Not there when this crate was taken from a registry.
    let beside = here.join("../yew-query-cache/tests");
    let browser = beside.is_dir().then(|| tests_in(&beside, "#[wasm_bindgen_test]"));

    let rows = rows();
    let numbers: Vec<usize> = rows.iter().map(|row| row.number).collect();
    assert_eq!(numbers, (1..=ROWS).collect::<Vec<_>>(), "each number once, in order");
    let mut named = BTreeSet::new();
    let mut not_applying = 0;
    for row in rows {
        assert!(row.sentence.len() > 10, "{} has a sentence", row.number);
        for test in row.native {
            assert!(native.contains(&test), "row {}: there is no test {test}", row.number);
            named.insert(test);
        }
        for test in row.browser {
            let there = browser.as_ref().is_none_or(|browser| browser.contains(&test));
            assert!(there, "row {}: yew-query-cache has no browser test {test}", row.number);
        }
        match row.instead.as_deref() {
            None => {}
            Some(other) => {
                let why = other.strip_prefix("Does not apply: ").unwrap_or_default();
                assert!(why.len() > 20, "row {}: {other:?} is neither tests nor a reason", row.number);
                not_applying += 1;
            }
        }
    }
    assert!(not_applying <= NOT_APPLYING, "{not_applying} do not apply");
    named.insert("every_behaviour_has_its_row_and_every_row_its_tests".to_owned());
    let unnamed: Vec<_> = native.difference(&named).collect();
    assert!(unnamed.is_empty(), "tests without a row: {unnamed:?}");
}
