//! What serde-saphyr reads, before scalars have their types; bounded in size and depth.

use std::cell::Cell;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Spanned, Tagged};

/// The most text that a file may unfold to by its anchors, in bytes.
const MAX_UNFOLDED: usize = 16 * 1024 * 1024;

/// How deep a file may nest, anchors unfolded. A debug build's thread has room for some 35 levels.
pub(super) const MAX_DEPTH: usize = 24;

/// A value as serde-saphyr gives it, with its places and its tag.
pub(super) type Raw = Spanned<Tagged<RawValue>>;

/// Its kind; scalars that are no strings are typed later, from the source.
pub(super) enum RawValue {
    Null,
    /// A scalar that is no string: its type is found again from the source.
    Plain,
    Text(String),
    List(Vec<Raw>),
    Map(Vec<(Spanned<String>, Raw)>),
}

/// Begins a new file.
pub(super) fn begin() {
    UNFOLDED.set(0);
    DEPTH.set(0);
}

thread_local! {
    /// How much text the file has unfolded to: anchors repeat it, and the parser's own budgets count
    /// events, not what they hold.
    static UNFOLDED: Cell<usize> = const { Cell::new(0) };
    /// How deep the reading is: anchors nest what is written flat, which the budget does not see.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// Goes one level deeper; `leave` comes back.
fn enter<E: de::Error>() -> Result<(), E> {
    DEPTH.set(DEPTH.get() + 1);
    if DEPTH.get() > MAX_DEPTH { Err(E::custom("nesting")) } else { Ok(()) }
}

fn leave() {
    DEPTH.set(DEPTH.get() - 1);
}

struct RawVisitor;

impl<'de> Deserialize<'de> for RawValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

impl<'de> Visitor<'de> for RawVisitor {
    type Value = RawValue;

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<RawValue, E> {
        Ok(RawValue::Plain)
    }

    fn visit_i64<E>(self, _: i64) -> Result<RawValue, E> {
        Ok(RawValue::Plain)
    }

    fn visit_u64<E>(self, _: u64) -> Result<RawValue, E> {
        Ok(RawValue::Plain)
    }

    fn visit_i128<E>(self, _: i128) -> Result<RawValue, E> {
        Ok(RawValue::Plain)
    }

    fn visit_u128<E>(self, _: u128) -> Result<RawValue, E> {
        Ok(RawValue::Plain)
    }

    fn visit_f64<E>(self, _: f64) -> Result<RawValue, E> {
        Ok(RawValue::Plain)
    }

    fn visit_unit<E>(self) -> Result<RawValue, E> {
        Ok(RawValue::Null)
    }

    fn visit_none<E>(self) -> Result<RawValue, E> {
        Ok(RawValue::Null)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<RawValue, E> {
        let unfolded = UNFOLDED.get() + text.len();
        UNFOLDED.set(unfolded);
        if unfolded > MAX_UNFOLDED {
            return Err(E::custom("its anchors unfold to more than 16 MiB"));
        }
        Ok(RawValue::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<RawValue, A::Error> {
        enter()?;
        let mut found = Vec::new();
        while let Some(item) = items.next_element()? {
            found.push(item);
        }
        leave();
        Ok(RawValue::List(found))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<RawValue, A::Error> {
        enter()?;
        let mut found = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            found.push(entry);
        }
        leave();
        Ok(RawValue::Map(found))
    }
}
