//! Whose a job's folder is. Two servers may share the folder of their results, as when one's folder was copied: neither works
//! in what the other has begun.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::path::Path;

use protocol::ServerId;
use serde::{Deserialize, Serialize};

/// Where a server's name is kept in the folder of its state.
const NAME: &str = "id.json";

/// The name of a server, by which it knows the folders of its jobs. A command that works alone has none: its ledger lies in
/// the folder itself.
#[derive(Debug, Clone, Default)]
pub struct Owner {
    id: ServerId,
    /// It was named just now, with nothing known of an earlier name: the state may have been lost.
    is_new: bool,
    /// The name in the state that this one's is a copy of.
    copied: Option<ServerId>,
}

#[derive(Serialize, Deserialize)]
struct Note {
    id: ServerId,
    /// Of the folder that it was given to: a copy of it is another server.
    inode: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    copied: Option<ServerId>,
}

impl Owner {
    /// The server whose state is in a folder. It is named when it starts for the first time there, and after the folder was
    /// copied.
    ///
    /// # Errors
    /// The name cannot be kept.
    pub fn of(state: &Path) -> Result<Self, storage::Error> {
        let (path, inode) = (state.join(NAME), storage::inode(state)?);
        let noted = storage::read_sealed::<Note>(&path).ok().flatten();
        if let Some(note) = &noted
            && note.inode == inode
        {
            return Ok(Self { id: note.id.clone(), is_new: false, copied: note.copied.clone() });
        }
        let half = || RandomState::new().hash_one(inode);
        let id = ServerId { id: format!("{:016x}{:016x}", half(), half()) };
        let (is_new, copied) = (noted.is_none(), noted.map(|note| note.id));
        storage::write_sealed(&path, &Note { id: id.clone(), inode, copied: copied.clone() })?;
        Ok(Self { id, is_new, copied })
    }

    /// Its name.
    pub(crate) const fn id(&self) -> &ServerId {
        &self.id
    }

    /// True when this server may have had that name: its state was lost, or restored from a copy.
    pub(crate) fn may_have_been(&self, name: &ServerId) -> bool {
        self.is_new || self.copied.as_ref() == Some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_keeps_its_name_and_a_copy_gets_its_own() {
        let root = tempfile::tempdir().unwrap();
        let (here, moved, copy) = (root.path().join("a"), root.path().join("b"), root.path().join("c"));
        std::fs::create_dir(&here).unwrap();
        let id = Owner::of(&here).unwrap();
        let stranger = ServerId { id: "stranger".to_owned() };
        assert!(id.may_have_been(&stranger) && !Owner::of(&here).unwrap().may_have_been(&stranger));
        assert!(Owner::of(&here).unwrap().id() == id.id());
        std::fs::rename(&here, &moved).unwrap();
        assert!(Owner::of(&moved).unwrap().id() == id.id());
        std::fs::create_dir(&copy).unwrap();
        std::fs::copy(moved.join(NAME), copy.join(NAME)).unwrap();
        for _ in 0..2 {
            let other = Owner::of(&copy).unwrap();
            assert!(other.id() != id.id() && Owner::of(&copy).unwrap().id() == other.id());
            assert!(other.may_have_been(id.id()) && !other.may_have_been(&stranger));
        }
    }
}
