use axum::routing::MethodFilter;
use serde_json::{Map, Value, json};

/// One method of one path, as the description has it.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(super) path: &'static str,
    pub(super) method: &'static str,
    pub(super) filter: MethodFilter,
    summary: &'static str,
    token: Option<Token>,
    parameters: Vec<Value>,
    body: Option<&'static str>,
    status: u16,
    answer: Option<&'static str>,
    headers: Vec<&'static str>,
}

/// Whose token an operation takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// A person's; under `/api` their cookie will do.
    Session,
    /// An application's that acts for a person.
    OAuth,
    /// Another machine's.
    Machine,
}

pub(crate) fn get(path: &'static str, summary: &'static str) -> Operation {
    Operation::new(path, "get", MethodFilter::GET, summary)
}

pub(crate) fn post(path: &'static str, summary: &'static str) -> Operation {
    Operation::new(path, "post", MethodFilter::POST, summary)
}

pub(crate) fn put(path: &'static str, summary: &'static str) -> Operation {
    Operation::new(path, "put", MethodFilter::PUT, summary)
}

pub(crate) fn delete(path: &'static str, summary: &'static str) -> Operation {
    Operation::new(path, "delete", MethodFilter::DELETE, summary)
}

impl Operation {
    /// For everybody, with nothing to send, answered by a bare 200, unless something else is said.
    fn new(path: &'static str, method: &'static str, filter: MethodFilter, summary: &'static str) -> Self {
        let names = path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
        let parameters =
            names.map(|name| parameter(name, "path", true, &json!({ "type": "string" }))).collect();
        let (token, body, status, answer, headers) = (None, None, 200, None, Vec::new());
        Self { path, method, filter, summary, token, parameters, body, status, answer, headers }
    }

    pub(crate) fn token(self, token: Token) -> Self {
        Self { token: Some(token), ..self }
    }

    pub(crate) fn query(mut self, name: &str, schema: &Value) -> Self {
        self.parameters.push(parameter(name, "query", false, schema));
        self
    }

    pub(crate) fn header(mut self, name: &str, required: bool) -> Self {
        self.parameters.push(parameter(name, "header", required, &json!({ "type": "string" })));
        self
    }

    /// A JSON body of this schema.
    pub(crate) fn takes(self, schema: &'static str) -> Self {
        Self { body: Some(schema), ..self }
    }

    pub(crate) fn status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// JSON of this schema.
    pub(crate) fn answers(self, schema: &'static str) -> Self {
        Self { answer: Some(schema), ..self }
    }

    /// The answer has these headers.
    pub(crate) fn with(mut self, headers: &[&'static str]) -> Self {
        self.headers.extend(headers);
        self
    }

    pub(super) fn describe(&self) -> Value {
        let problem = content("application/problem+json", "Problem");
        let mut responses = Map::new();
        responses.insert(self.status.to_string(), self.describe_answer());
        responses.insert("default".into(), json!({ "description": "A refusal", "content": problem }));
        if self.token.is_some() {
            let unauthorized = json!({
                "description": "No token, or none that is accepted",
                "headers": headers(&["WWW-Authenticate"]),
                "content": problem,
            });
            responses.insert("401".into(), unauthorized);
        }
        let mut operation = Map::new();
        operation.insert("summary".into(), self.summary.into());
        operation.insert("parameters".into(), self.parameters.clone().into());
        operation.insert("responses".into(), responses.into());
        if let Some(schema) = self.body {
            let body = json!({ "required": true, "content": content("application/json", schema) });
            operation.insert("requestBody".into(), body);
        }
        match self.token {
            // What takes no token is not under `/api`.
            None => operation.insert("servers".into(), json!([{ "url": "/" }])),
            Some(token) => operation.insert("security".into(), token.describe()),
        };
        operation.into()
    }

    fn describe_answer(&self) -> Value {
        let mut answer = Map::new();
        answer.insert("description".into(), self.summary.into());
        if let Some(schema) = self.answer {
            answer.insert("content".into(), content("application/json", schema));
        }
        if !self.headers.is_empty() {
            answer.insert("headers".into(), headers(&self.headers));
        }
        answer.into()
    }
}

impl Token {
    fn describe(self) -> Value {
        match self {
            Self::Session => json!([{ "session": [] }, { "cookie": [] }]),
            Self::OAuth => json!([{ "oauth": [] }]),
            Self::Machine => json!([{ "machine": [] }]),
        }
    }
}

fn headers(names: &[&str]) -> Value {
    names.iter().map(|name| ((*name).to_owned(), json!({ "schema": { "type": "string" } }))).collect()
}

fn parameter(name: &str, place: &str, required: bool, schema: &Value) -> Value {
    json!({ "name": name, "in": place, "required": required, "schema": schema })
}

fn content(media: &str, schema: &str) -> Value {
    json!({ media: { "schema": { "$ref": format!("#/components/schemas/{schema}") } } })
}
