//! The names of segment files.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Which segment, made by which attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SegmentName {
    /// Number of the segment in the plan.
    pub index: u32,
    /// Epoch of the lease under which it was made.
    pub epoch: u64,
}

impl fmt::Display for SegmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seg-{:06}.e{}", self.index, self.epoch)
    }
}

impl SegmentName {
    /// Name of the segment's file.
    pub fn file(self) -> String {
        format!("{self}.pkt")
    }

    /// Name of its sidecar.
    pub fn sidecar(self) -> String {
        format!("{self}.json")
    }

    /// Reads the name of a segment's file; nothing where it is any other file's, be it ever so similar.
    pub fn of_file(name: &str) -> Option<Self> {
        Self::parse(name, ".pkt").filter(|parsed| parsed.file() == name)
    }

    /// Reads the name of a sidecar; nothing where it is any other file's.
    pub fn of_sidecar(name: &str) -> Option<Self> {
        Self::parse(name, ".json").filter(|parsed| parsed.sidecar() == name)
    }

    /// Takes more than it should ("+1", "1"); callers compare with the one right spelling.
    fn parse(name: &str, extension: &str) -> Option<Self> {
        let (index, epoch) = name.strip_prefix("seg-")?.strip_suffix(extension)?.split_once(".e")?;
        Some(Self { index: index.parse().ok()?, epoch: epoch.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_read_in_one_spelling_only() {
        let name = SegmentName { index: 123, epoch: 7 };
        assert_eq!((name.file(), name.sidecar()), ("seg-000123.e7.pkt".into(), "seg-000123.e7.json".into()));
        assert_eq!(SegmentName::of_file("seg-000123.e7.pkt"), Some(name));
        for other in [
            "seg-123.e7.pkt",
            "seg-0000123.e7.pkt",
            "seg-000123.e07.pkt",
            "seg-+00123.e7.pkt",
            "seg-000123.e+7.pkt",
            "seg-000123.e7.json",
            "seg-000123.e7.pkt.part",
            "../seg-000123.e7.pkt",
            "seg-000123.pkt",
            "seg-99999999999.e7.pkt",
            "",
        ] {
            assert_eq!(SegmentName::of_file(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn every_name_is_read(index: u32, epoch: u64) {
            let name = SegmentName { index, epoch };
            prop_assert_eq!(SegmentName::of_file(&name.file()), Some(name));
            prop_assert_eq!(SegmentName::of_sidecar(&name.sidecar()), Some(name));
        }
    }
}
