//! Paths and times in JSON that people and their programs read: always text.

use job::{FilePath, Millis};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::status::rfc3339;

/// The time that [`rfc3339`] wrote so.
fn read_time<E: serde::de::Error>(text: &str) -> Result<Millis, E> {
    let time: jiff::Timestamp = text.parse().map_err(E::custom)?;
    Ok(Millis(time.as_millisecond()))
}

/// A path, with other characters in the place of what is no UTF-8.
pub(crate) mod path {
    use super::{Deserialize as _, Deserializer, FilePath, Serializer};

    pub(crate) fn serialize<S: Serializer>(path: &FilePath, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&path.to_string_lossy())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<FilePath, D::Error> {
        Ok(String::deserialize(deserializer)?.into())
    }
}

/// As [`path`], or nothing.
pub(crate) mod path_if_known {
    use super::{Deserialize as _, Deserializer, FilePath, Serialize as _, Serializer};

    #[expect(clippy::ref_option, reason = "serde hands fields over so")]
    pub(crate) fn serialize<S: Serializer>(
        path: &Option<FilePath>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        path.as_ref().map(|path| path.to_string_lossy()).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<FilePath>, D::Error> {
        Ok(Option::<String>::deserialize(deserializer)?.map(FilePath::from))
    }
}

/// A time as RFC 3339 has it, in whole seconds.
pub(crate) mod time {
    use super::{Deserialize as _, Deserializer, Millis, Serializer, read_time, rfc3339};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields over so")]
    pub(crate) fn serialize<S: Serializer>(time: &Millis, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&rfc3339(*time))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Millis, D::Error> {
        read_time(&String::deserialize(deserializer)?)
    }
}

/// As [`time`], or nothing.
pub(crate) mod time_if_known {
    use super::{Deserialize as _, Deserializer, Millis, Serialize as _, Serializer, read_time, rfc3339};

    #[expect(clippy::ref_option, reason = "serde hands fields over so")]
    pub(crate) fn serialize<S: Serializer>(time: &Option<Millis>, serializer: S) -> Result<S::Ok, S::Error> {
        time.map(rfc3339).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Millis>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| read_time(&text)).transpose()
    }
}
