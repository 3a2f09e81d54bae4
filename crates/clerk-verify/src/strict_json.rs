//! JSON in which no object has two members of one name.
//!
//! RFC 7515 §4 and RFC 7519 §4 let a reader refuse duplicates or take the last. Readers that differ on it
//! can be played against each other, so here they are refused, at any depth.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JsonError {
    /// No JSON object, or not in UTF-8.
    Invalid,
    /// Two members of one name.
    Duplicate,
}

/// Reads `bytes` as one JSON object.
pub(crate) fn object(bytes: &[u8]) -> Result<Map<String, Value>, JsonError> {
    let text = str::from_utf8(bytes).map_err(|_| JsonError::Invalid)?;
    let duplicate = Cell::new(false);
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Strict { duplicate: &duplicate }
        .deserialize(&mut deserializer)
        .map_err(|_| if duplicate.get() { JsonError::Duplicate } else { JsonError::Invalid })?;
    deserializer.end().map_err(|_| JsonError::Invalid)?;
    match value {
        Value::Object(object) => Ok(object),
        _ => Err(JsonError::Invalid),
    }
}

#[derive(Clone, Copy)]
struct Strict<'a> {
    /// Set when the error is a duplicate: serde's errors carry nothing but a text.
    duplicate: &'a Cell<bool>,
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            array.push(item);
        }
        Ok(array.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(self)?;
            if object.insert(name, value).is_some() {
                self.duplicate.set(true);
                return Err(A::Error::custom("a duplicate member"));
            }
        }
        Ok(object.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_serde_json_reads() {
        let text = r#"{"a":[1,-2,1.5,true,null,"\u00e9",{"b":{}}],"c":18446744073709551615}"#;
        assert_eq!(Value::Object(object(text.as_bytes()).unwrap()), text.parse::<Value>().unwrap());
    }

    #[test]
    fn refuses_duplicates_at_any_depth_and_however_they_are_written() {
        for text in [r#"{"a":1,"a":1}"#, r#"{"x":[{"a":1,"b":2,"a":3}]}"#, r#"{"a":1,"\u0061":2}"#] {
            assert_eq!(object(text.as_bytes()), Err(JsonError::Duplicate), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_json_object() {
        let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(5000), "]".repeat(5000));
        let texts: [&[u8]; 10] = [
            b"",
            b"null",
            b"[]",
            b"{} {}",
            b"{\"a\":1,}",
            b"\xef\xbb\xbf{}",
            b"{\"a\":\"\xff\"}",
            b"{\"a\":\"\\ud800\"}",
            b"{\"a\":-1e400}",
            deep.as_bytes(),
        ];
        for text in texts {
            assert_eq!(object(text), Err(JsonError::Invalid), "{}", String::from_utf8_lossy(text));
        }
    }
}
