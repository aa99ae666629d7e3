//! Values that know their bytes in the file, and tables that keep its order.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use toml::Spanned;

/// A value and its bytes in the file.
#[derive(Debug, serde::Deserialize)]
#[serde(transparent)]
pub(super) struct At<T>(Spanned<T>);

impl<T> At<T> {
    /// The value.
    pub(super) fn get(&self) -> &T {
        self.0.get_ref()
    }

    /// The value's bytes in the file.
    pub(super) fn span(&self) -> Range<usize> {
        self.0.span()
    }

    /// The value and its place.
    pub(super) fn split(self) -> (T, Range<usize>) {
        let span = self.0.span();
        (self.0.into_inner(), span)
    }
}

/// A table in the file's order.
#[derive(Debug)]
pub(super) struct Ordered<V>(pub(super) Vec<(At<String>, V)>);

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Ordered<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<V>(PhantomData<V>);
        impl<'de, V: Deserialize<'de>> Visitor<'de> for Entries<V> {
            type Value = Ordered<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Ordered(entries))
            }
        }
        deserializer.deserialize_map(Entries(PhantomData))
    }
}

/// In the schema, places do not show and order is no matter.
macro_rules! schema_as {
    ($name:ident as $other:ty) => {
        impl<T: JsonSchema> JsonSchema for $name<T> {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                <$other>::schema_name()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                <$other>::json_schema(generator)
            }
        }
    };
}
schema_as!(At as T);
schema_as!(Ordered as std::collections::BTreeMap<String, T>);
