//! Objects in which a key stands twice: which of its values was meant cannot be known.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Refuses JSON with an object that has a key twice.
///
/// # Errors
/// With the key.
pub(super) fn check_unique(json: &str) -> serde_json::Result<()> {
    serde_json::from_str::<Unique>(json).map(|_| ())
}

/// Any value, in which no object has a key twice.
struct Unique;

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Unique {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Self, A::Error> {
        while all.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut all: A) -> Result<Self, A::Error> {
        let mut keys = HashSet::new();
        while let Some(key) = all.next_key::<String>()? {
            if keys.contains(&key) {
                return Err(A::Error::custom(format!("`{}` stands twice in an object", key.escape_debug())));
            }
            keys.insert(key);
            all.next_value::<Self>()?;
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stands_once_in_each_object() {
        for json in
            ["{}", "3", "null", r#"{"a":{"a":[1,-1,1.5,true,null,"x"]},"b":{"a":1}}"#, r#"[{"a":1},{"a":2}]"#]
        {
            assert!(check_unique(json).is_ok(), "{json}");
        }
        for json in [r#"{"a":1,"a":1}"#, r#"[{"b":{"a":1,"c":2,"\u0061":3}}]"#] {
            let error = check_unique(json).unwrap_err().to_string();
            assert!(error.contains("`a` stands twice"), "{json}: {error}");
        }
    }
}
