//! Segments of whatever serde can serialize, without a JSON library.

use std::fmt;
use std::rc::Rc;

use serde_core::ser::{self, Serialize};

use crate::segment::{Repr, Segment};

/// A value that cannot be part of a key: its own `Serialize` refused, or a map in it has keys that are
/// neither text, numbers, characters nor booleans.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAKey(Rc<str>);

impl fmt::Display for NotAKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this value cannot be part of a query key: {}", self.0)
    }
}

impl std::error::Error for NotAKey {}

impl ser::Error for NotAKey {
    fn custom<T: fmt::Display>(message: T) -> Self {
        NotAKey(message.to_string().into())
    }
}

impl Segment {
    /// The segment of a value that serde can serialize: a filter of a list, say. Structs become maps,
    /// sequences and tuples lists, `None` and units null, an enum's variant its name, or a map from its name
    /// to what it holds.
    ///
    /// # Errors
    /// [`NotAKey`] when the value's `Serialize` refuses, or a map's key is not a plain value.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Segment, NotAKey> {
        value.serialize(Serializer)
    }
}

struct Serializer;

impl ser::Serializer for Serializer {
    type Ok = Segment;
    type Error = NotAKey;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Items;
    type SerializeTupleVariant = Items;
    type SerializeMap = Pairs;
    type SerializeStruct = Pairs;
    type SerializeStructVariant = Pairs;

    fn serialize_bool(self, value: bool) -> Result<Segment, NotAKey> {
        Ok(value.into())
    }
    fn serialize_i8(self, value: i8) -> Result<Segment, NotAKey> {
        Ok(value.into())
    }
    fn serialize_i16(self, value: i16) -> Result<Segment, NotAKey> {
        Ok(value.into())
    }
    fn serialize_i32(self, value: i32) -> Result<Segment, NotAKey> {
        Ok(value.into())
    }
    fn serialize_i64(self, value: i64) -> Result<Segment, NotAKey> {
        Ok(value.into())
    }
    fn serialize_u8(self, value: u8) -> Result<Segment, NotAKey> {
        Ok(value.into())
    }
    fn serialize_u16(self, value: u16) -> Result<Segment, NotAKey> {
        Ok(value.into())
    }
    fn serialize_u32(self, value: u32) -> Result<Segment, NotAKey> {
        Ok(value.into())
    }
    fn serialize_u64(self, value: u64) -> Result<Segment, NotAKey> {
        Ok(value.into())
    }
    fn serialize_f32(self, value: f32) -> Result<Segment, NotAKey> {
        Ok(value.into())
    }
    fn serialize_f64(self, value: f64) -> Result<Segment, NotAKey> {
        Ok(value.into())
    }
    fn serialize_char(self, value: char) -> Result<Segment, NotAKey> {
        Ok(value.into())
    }
    fn serialize_str(self, value: &str) -> Result<Segment, NotAKey> {
        Ok(value.into())
    }
    fn serialize_bytes(self, value: &[u8]) -> Result<Segment, NotAKey> {
        Ok(Segment::from(value.to_vec()))
    }
    fn serialize_none(self) -> Result<Segment, NotAKey> {
        Ok(Segment::null())
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Segment, NotAKey> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<Segment, NotAKey> {
        Ok(Segment::null())
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<Segment, NotAKey> {
        Ok(Segment::null())
    }
    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Segment, NotAKey> {
        Ok(Segment::literal(variant))
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Segment, NotAKey> {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Segment, NotAKey> {
        Ok(Segment::map([(variant, value.serialize(self)?)]))
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Items, NotAKey> {
        Ok(Items { variant: None, items: Vec::new() })
    }
    fn serialize_tuple(self, _: usize) -> Result<Items, NotAKey> {
        self.serialize_seq(None)
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Items, NotAKey> {
        self.serialize_seq(None)
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Items, NotAKey> {
        Ok(Items { variant: Some(variant), items: Vec::new() })
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Pairs, NotAKey> {
        Ok(Pairs { variant: None, name: None, pairs: Vec::new() })
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Pairs, NotAKey> {
        self.serialize_map(None)
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Pairs, NotAKey> {
        Ok(Pairs { variant: Some(variant), name: None, pairs: Vec::new() })
    }
}

struct Items {
    variant: Option<&'static str>,
    items: Vec<Segment>,
}

impl Items {
    fn add<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotAKey> {
        self.items.push(value.serialize(Serializer)?);
        Ok(())
    }

    fn done(self) -> Result<Segment, NotAKey> {
        Ok(named(self.variant, Segment(Repr::List(self.items.into()))))
    }
}

struct Pairs {
    variant: Option<&'static str>,
    name: Option<Rc<str>>,
    pairs: Vec<(Rc<str>, Segment)>,
}

impl Pairs {
    fn add<T: Serialize + ?Sized>(&mut self, name: Rc<str>, value: &T) -> Result<(), NotAKey> {
        self.pairs.push((name, value.serialize(Serializer)?));
        Ok(())
    }

    fn done(self) -> Result<Segment, NotAKey> {
        Ok(named(self.variant, Segment::map(self.pairs)))
    }
}

fn named(variant: Option<&'static str>, held: Segment) -> Segment {
    match variant {
        Some(variant) => Segment::map([(variant, held)]),
        None => held,
    }
}

impl ser::SerializeSeq for Items {
    type Ok = Segment;
    type Error = NotAKey;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotAKey> {
        self.add(value)
    }
    fn end(self) -> Result<Segment, NotAKey> {
        self.done()
    }
}

impl ser::SerializeTuple for Items {
    type Ok = Segment;
    type Error = NotAKey;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotAKey> {
        self.add(value)
    }
    fn end(self) -> Result<Segment, NotAKey> {
        self.done()
    }
}

impl ser::SerializeTupleStruct for Items {
    type Ok = Segment;
    type Error = NotAKey;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotAKey> {
        self.add(value)
    }
    fn end(self) -> Result<Segment, NotAKey> {
        self.done()
    }
}

impl ser::SerializeTupleVariant for Items {
    type Ok = Segment;
    type Error = NotAKey;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotAKey> {
        self.add(value)
    }
    fn end(self) -> Result<Segment, NotAKey> {
        self.done()
    }
}

impl ser::SerializeMap for Pairs {
    type Ok = Segment;
    type Error = NotAKey;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), NotAKey> {
        let name: Rc<str> = match key.serialize(Serializer)?.0 {
            Repr::Literal(text) => text.into(),
            Repr::Text(text) => text,
            Repr::Bool(value) => value.to_string().into(),
            Repr::Int(value) => value.to_string().into(),
            Repr::Big(value) => value.to_string().into(),
            other => return Err(NotAKey(format!("{:?} names a pair of a map", Segment(other)).into())),
        };
        self.name = Some(name);
        Ok(())
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotAKey> {
        match self.name.take() {
            Some(name) => self.add(name, value),
            None => Err(NotAKey("a map gave a value before its key".into())),
        }
    }
    fn end(self) -> Result<Segment, NotAKey> {
        self.done()
    }
}

impl ser::SerializeStruct for Pairs {
    type Ok = Segment;
    type Error = NotAKey;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), NotAKey> {
        self.add(key.into(), value)
    }
    fn end(self) -> Result<Segment, NotAKey> {
        self.done()
    }
}

impl ser::SerializeStructVariant for Pairs {
    type Ok = Segment;
    type Error = NotAKey;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), NotAKey> {
        self.add(key.into(), value)
    }
    fn end(self) -> Result<Segment, NotAKey> {
        self.done()
    }
}
