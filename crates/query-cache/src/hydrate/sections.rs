//! What travels beside the queries: a place for parts that have something of their own to take along.

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::{Map, Value};

use crate::client::QueryClient;

/// A part that has something to take along, always under the name of a scope. It registers by
/// [`QueryClient::register_section`].
pub(crate) trait Section {
    /// What it is called in the JSON: `"mutations"`.
    fn name(&self) -> &'static str;

    /// What is to be taken along, if there is anything.
    fn dehydrate(&self, client: &QueryClient) -> Option<Value>;

    /// Takes in what it once gave. The client belongs to the scope it is for.
    fn hydrate(&self, client: &QueryClient, json: &Value);
}

#[derive(Default)]
pub(super) struct Sections {
    registered: RefCell<Vec<Rc<dyn Section>>>,
    /// What came before its section did.
    waiting: RefCell<Map<String, Value>>,
}

impl Sections {
    fn all(&self) -> Vec<Rc<dyn Section>> {
        self.registered.borrow().clone()
    }

    /// What nobody has asked for yet goes along as it came.
    pub fn pack(&self, client: &QueryClient) -> Map<String, Value> {
        let mut sections = self.waiting.borrow().clone();
        for section in self.all() {
            if let Some(json) = section.dehydrate(client) {
                sections.insert(section.name().to_owned(), json);
            }
        }
        sections
    }

    pub fn unpack(&self, client: &QueryClient, mut sections: Map<String, Value>) {
        for section in self.all() {
            if let Some(json) = sections.remove(section.name()).filter(|_| !client.is_over()) {
                section.hydrate(client, &json);
            }
        }
        if !client.is_over() {
            self.waiting.borrow_mut().extend(sections);
        }
    }

    pub fn forget(&self) {
        self.waiting.borrow_mut().clear();
    }
}

impl QueryClient {
    /// Takes something along from now on, and is given what has come for it already.
    pub(crate) fn register_section(&self, section: Rc<dyn Section>) {
        let hydration = self.extension::<super::Hydration>();
        let before = hydration.sections.waiting.borrow_mut().remove(section.name());
        hydration.sections.registered.borrow_mut().push(section.clone());
        if let Some(json) = before {
            section.hydrate(&self.in_this_scope(), &json);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::QueryFilter;
    use crate::hydrate::ScopeName;
    use crate::manual::ManualEnvironment;

    #[derive(Default)]
    struct Paused(RefCell<Vec<Value>>);

    impl Section for Paused {
        fn name(&self) -> &'static str {
            "mutations"
        }
        fn dehydrate(&self, _: &QueryClient) -> Option<Value> {
            Some(Value::Array(self.0.borrow().clone()))
        }
        fn hydrate(&self, _: &QueryClient, json: &Value) {
            self.0.borrow_mut().extend(json.as_array().cloned().unwrap_or_default());
        }
    }

    fn client(scope: &str) -> QueryClient {
        let client = QueryClient::new(ManualEnvironment::new(1));
        client.name_scope(ScopeName::new(scope));
        client
    }

    #[test]
    fn a_section_travels_whether_it_is_asked_for_before_or_after() {
        let from = client("ada");
        let paused = Rc::new(Paused::default());
        paused.0.borrow_mut().push(Value::from(1));
        from.register_section(paused);
        let json = from.dehydrate(QueryFilter::all()).json;
        for late in [false, true] {
            let (to, paused) = (client("ada"), Rc::new(Paused::default()));
            if !late {
                to.register_section(paused.clone());
            }
            to.hydrate(&json).unwrap();
            assert!(to.dehydrate(QueryFilter::all()).json.contains("\"mutations\":[1]"));
            if late {
                to.register_section(paused.clone());
            }
            assert_eq!(paused.0.take(), [Value::from(1)], "late: {late}");
        }
    }

    #[test]
    fn a_section_is_somebodys() {
        let from = client("ada");
        let paused = Rc::new(Paused::default());
        paused.0.borrow_mut().push(Value::from(1));
        from.register_section(paused);
        let json = from.dehydrate(QueryFilter::all()).json;
        from.hold_scope();
        assert!(!from.dehydrate(QueryFilter::all()).json.contains("mutations"), "held");
        from.end_scope();
        assert!(!from.dehydrate(QueryFilter::all()).json.contains("mutations"), "nobody's");
        let (to, paused) = (client("grace"), Rc::new(Paused::default()));
        to.hydrate(&json).unwrap();
        to.register_section(paused.clone());
        assert_eq!(paused.0.take(), Vec::<Value>::new());
        let (to, paused) = (client("ada"), Rc::new(Paused::default()));
        to.hydrate(&json).unwrap();
        to.end_scope();
        to.register_section(paused.clone());
        assert_eq!(paused.0.take(), Vec::<Value>::new(), "its scope is over");
    }
}
