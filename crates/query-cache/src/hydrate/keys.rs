//! Keys as JSON. A segment is the JSON value it looks like, except a float, which JSON would not give back bit by
//! bit: that is `{"": bits}`.

use serde_json::{Map, Number, Value};

use crate::key::QueryKey;
use crate::segment::{Repr, Segment};

/// `None`: one of its maps has a pair without a name, which would read as a float.
pub(crate) fn to_json(key: &QueryKey) -> Option<Value> {
    list(key.segments())
}

fn list(segments: &[Segment]) -> Option<Value> {
    segments.iter().map(segment).collect::<Option<Vec<_>>>().map(Value::Array)
}

fn segment(segment: &Segment) -> Option<Value> {
    Some(match &segment.0 {
        Repr::Null => Value::Null,
        Repr::Bool(value) => Value::Bool(*value),
        Repr::Int(value) => Value::Number(Number::from(*value)),
        Repr::Big(value) => Value::Number(Number::from(*value)),
        Repr::Float(bits) => Value::Object(Map::from_iter([(String::new(), Value::from(*bits))])),
        Repr::Literal(text) => Value::String((*text).to_owned()),
        Repr::Text(text) => Value::String((**text).to_owned()),
        Repr::List(items) => list(items)?,
        Repr::Map(pairs) => {
            let mut map = Map::new();
            for (name, value) in &**pairs {
                if name.is_empty() {
                    return None;
                }
                map.insert((**name).to_owned(), self::segment(value)?);
            }
            Value::Object(map)
        }
    })
}

/// `None`: this is no key.
pub(crate) fn from_json(json: &Value) -> Option<QueryKey> {
    let segments = json.as_array()?.iter().map(parse).collect::<Option<Vec<_>>>()?;
    Some(QueryKey::new(segments))
}

fn parse(json: &Value) -> Option<Segment> {
    Some(match json {
        Value::Null => Segment::null(),
        Value::Bool(value) => Segment::from(*value),
        Value::Number(number) => match number.as_i64() {
            Some(number) => Segment::from(number),
            None => Segment::from(number.as_u64()?),
        },
        Value::String(text) => Segment::from(text.as_str()),
        Value::Array(items) => Segment::from(items.iter().map(parse).collect::<Option<Vec<Segment>>>()?),
        Value::Object(map) => match map.get("") {
            // With other pairs it would be another name for the same key.
            Some(bits) if map.len() == 1 => Segment::from(f64::from_bits(bits.as_u64()?)),
            Some(_) => return None,
            None => {
                let pairs = map.iter().map(|(name, value)| Some((name.as_str(), parse(value)?)));
                Segment::map(pairs.collect::<Option<Vec<_>>>()?)
            }
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query_key;

    #[test]
    fn every_key_comes_back_as_it_was() {
        let floats = [0.1, -0.0, 1.0, f64::NAN, f64::INFINITY, f64::MIN_POSITIVE, 5e-324, 1e300 / 7.0];
        let keys = [
            query_key![],
            query_key!["text", 1, -1, u64::MAX, i64::MIN, true, 'c', Segment::null()],
            query_key![Segment::map([("b", Segment::from(1)), ("a", Segment::from(vec![1.5, 2.0]))])],
            query_key![floats.to_vec(), "\"quoted\" \u{1F980} \n"],
        ];
        for key in keys {
            let text = to_json(&key).unwrap().to_string();
            assert_eq!(from_json(&serde_json::from_str(&text).unwrap()), Some(key), "{text}");
        }
        assert_ne!(to_json(&query_key![1]), to_json(&query_key![1.0]));
    }

    #[test]
    fn what_would_read_as_something_else_is_no_json_and_what_is_no_key_is_none() {
        assert_eq!(to_json(&query_key![Segment::map([("", 1)])]), None);
        for json in ["1", "{}", r#"[{"":"text"}]"#, r#"[{"":1,"a":2}]"#, "[1.5]", "null"] {
            assert_eq!(from_json(&serde_json::from_str(json).unwrap()), None, "{json}");
        }
    }
}
