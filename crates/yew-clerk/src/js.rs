//! Reading and making plain JavaScript objects. What is missing or of another type reads as `None`: clerk-js is
//! not ours, and a surprise in it must not take the page down.

use js_sys::{Object, Reflect};
use wasm_bindgen::JsValue;

/// A member that is there: neither `undefined` nor `null`.
pub(crate) fn get(object: &JsValue, key: &str) -> Option<JsValue> {
    // `Reflect.get` throws on what is no object.
    if !object.is_object() && !object.is_function() {
        return None;
    }
    let value = Reflect::get(object, &JsValue::from_str(key)).ok()?;
    if value.is_undefined() || value.is_null() { None } else { Some(value) }
}

pub(crate) fn get_index(object: &JsValue, index: u32) -> JsValue {
    if object.is_object() { Reflect::get_u32(object, index).unwrap_or_default() } else { JsValue::UNDEFINED }
}

pub(crate) fn text(object: &JsValue, key: &str) -> Option<String> {
    get(object, key)?.as_string().filter(|text| !text.is_empty())
}

pub(crate) fn number(object: &JsValue, key: &str) -> Option<f64> {
    get(object, key)?.as_f64()
}

/// The items of a member that is an array.
pub(crate) fn list(object: &JsValue, key: &str) -> Vec<JsValue> {
    match get(object, key) {
        Some(value) if js_sys::Array::is_array(&value) => js_sys::Array::from(&value).to_vec(),
        _ => Vec::new(),
    }
}

/// An object under construction. A member without a value is left out, so that clerk-js's defaults stand.
#[derive(Default)]
pub(crate) struct ObjectBuilder(Object);

impl ObjectBuilder {
    pub(crate) fn set(self, key: &str, value: impl Into<JsValue>) -> Self {
        // Setting a member of a plain, unfrozen object cannot fail.
        let _ = Reflect::set(&self.0, &JsValue::from_str(key), &value.into());
        self
    }

    pub(crate) fn set_some(self, key: &str, value: Option<impl Into<JsValue>>) -> Self {
        match value {
            Some(value) => self.set(key, value),
            None => self,
        }
    }

    pub(crate) fn text(self, key: &str, value: Option<&str>) -> Self {
        self.set_some(key, value.map(JsValue::from_str))
    }

    pub(crate) fn build(self) -> JsValue {
        self.0.into()
    }
}
