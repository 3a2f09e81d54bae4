use std::path::PathBuf;

use serde_json::{Map, Value};

use crate::call::Call;

/// What stands on the command line after `control` or `token`.
pub(crate) struct Options {
    pub(crate) data_dir: PathBuf,
    pub(crate) words: Vec<String>,
    pub(crate) given: Vec<(String, String)>,
}

impl Options {
    /// Options that take no value.
    pub(crate) const FLAGS: [&str; 6] = ["all", "drop", "hang", "json", "jwt", "remove"];

    pub(crate) fn new(data_dir: PathBuf) -> Self {
        Self { data_dir, words: Vec::new(), given: Vec::new() }
    }

    /// The call, if it has taken all the options.
    pub(crate) fn all_taken(&self, call: Call) -> Result<Call, String> {
        match self.given.first() {
            Some((name, _)) => Err(format!("--{name} does not belong to this call")),
            None => Ok(call),
        }
    }

    /// Those of the options that are given, under the names of the JSON.
    pub(crate) fn numbers(&mut self, names: &[(&str, &str)]) -> Result<Map<String, Value>, String> {
        let mut numbers = Map::new();
        for (option, member) in names {
            if let Some(text) = self.take(option) {
                let number: i64 = text.parse().map_err(|_| format!("--{option} takes a whole number"))?;
                numbers.insert((*member).into(), number.into());
            }
        }
        Ok(numbers)
    }

    pub(crate) fn take(&mut self, name: &str) -> Option<String> {
        let index = self.given.iter().position(|(given, _)| given == name)?;
        Some(self.given.remove(index).1)
    }

    /// An option that may be given several times.
    pub(crate) fn take_all(&mut self, name: &str) -> Vec<String> {
        std::iter::from_fn(|| self.take(name)).collect()
    }
}

/// The JSON that an option holds.
pub(crate) fn json(text: &str, option: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("--{option} is no JSON ({error})"))
}
