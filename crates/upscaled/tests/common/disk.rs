//! A disk whose power can fail: what was synced is there afterwards, and of everything else some.
//!
//! Syncing a file saves its bytes and its length, not its name; syncing a folder saves the names in it. Of the writes to
//! a file since, any may be lost, and one may be torn between two sectors. Of the changes of names since, either a
//! beginning survives, as with a journal, or any of them, each folder for itself, so that a file on its way from one
//! folder to another may be in both or in neither. A rename within a folder happens or not.

#![allow(
    dead_code,
    unreachable_pub,
    missing_debug_implementations,
    clippy::missing_panics_doc,
    clippy::panic,
    reason = "every test file uses some of it, and a test that cannot go on has failed"
)]

use std::collections::BTreeMap;

use crate::common::Random;
use crate::trace::Call;

const SECTOR: u64 = 512;

/// Paths, with the bytes of files and nothing for folders.
pub type Files = BTreeMap<String, Option<Vec<u8>>>;

type Id = usize;

/// A change of a file's bytes.
#[derive(Clone)]
enum Edit {
    Write { at: u64, bytes: Vec<u8> },
    Length(u64),
}

impl Edit {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write { at, bytes } => {
                let (start, end) = (*at as usize, *at as usize + bytes.len());
                content.resize(content.len().max(end), 0);
                content[start..end].copy_from_slice(bytes);
            }
            Self::Length(length) => content.resize(*length as usize, 0),
        }
    }

    /// What is left of it when the power fails on the way: all before or all after some end of a sector.
    fn torn(&self, random: &mut Random) -> Self {
        let Self::Write { at, bytes } = self else { return self.clone() };
        let ends = (at + bytes.len() as u64 - 1) / SECTOR - at / SECTOR;
        if ends == 0 {
            return self.clone();
        }
        let end = (at / SECTOR + 1 + random.below(ends)) * SECTOR;
        let (before, after) = bytes.split_at((end - at) as usize);
        let (at, bytes) = if random.below(2) == 0 { (*at, before) } else { (end, after) };
        Self::Write { at, bytes: bytes.to_vec() }
    }
}

/// A file or a folder.
#[derive(Default)]
struct Node {
    is_folder: bool,
    synced: Vec<u8>,
    /// What is not synced, and the number of the call that did it.
    edits: Vec<(usize, Edit)>,
}

impl Node {
    fn now(&self) -> Vec<u8> {
        let mut content = self.synced.clone();
        self.edits.iter().for_each(|(_, edit)| edit.apply(&mut content));
        content
    }

    fn after_power_cut(&self, random: &mut Random) -> Vec<u8> {
        let mut content = self.synced.clone();
        let quarters = random.below(5);
        let torn = random.below(self.edits.len().max(1) as u64) as usize;
        for (number, (_, edit)) in self.edits.iter().enumerate() {
            if random.below(4) < quarters {
                let edit = if number == torn { edit.torn(random) } else { edit.clone() };
                edit.apply(&mut content);
            }
        }
        content
    }
}

/// Names of one folder that change at once.
struct Change {
    call: usize,
    folder: String,
    names: Vec<(String, Option<Id>)>,
}

impl Change {
    fn apply(&self, names: &mut BTreeMap<String, Id>) {
        for (name, node) in &self.names {
            match node {
                Some(node) => names.insert(name.clone(), *node),
                None => names.remove(name),
            };
        }
    }
}

/// What was done to a disk.
pub struct Disk {
    root: String,
    nodes: Vec<Node>,
    /// All paths, as programs see them.
    now: BTreeMap<String, Id>,
    /// The paths that outlive a power cut.
    synced: BTreeMap<String, Id>,
    changes: Vec<Change>,
    /// The last call whose change of a name is synced: a journal has all before it.
    journal: usize,
    positions: BTreeMap<(Id, u32), u64>,
    calls: usize,
}

impl Disk {
    /// A disk that holds a folder with these files.
    pub fn new(root: &str, files: Files) -> Self {
        let node = |bytes: Option<Vec<u8>>| Node {
            is_folder: bytes.is_none(),
            synced: bytes.unwrap_or_default(),
            ..Node::default()
        };
        let names: BTreeMap<String, Id> = files.keys().cloned().zip(0..).collect();
        Self {
            root: root.to_owned(),
            nodes: files.into_values().map(node).collect(),
            now: names.clone(),
            synced: names,
            changes: Vec::new(),
            journal: 0,
            positions: BTreeMap::new(),
            calls: 0,
        }
    }

    /// The disk after some more calls.
    pub fn after(mut self, calls: &[Call]) -> Self {
        for call in calls {
            self.calls += 1;
            // SQLite rebuilds its index of the log, which it writes as memory.
            if !call.path().ends_with("-shm") {
                self.perform(call);
            }
        }
        self
    }

    fn perform(&mut self, call: &Call) {
        let known = self.now.get(call.path()).copied();
        match call {
            Call::Open { path, descriptor, creates, truncates } => {
                let node = match known {
                    Some(node) if *truncates => self.edit(node, Edit::Length(0)),
                    Some(node) => node,
                    None if *creates => self.make(path, false),
                    None => return,
                };
                self.positions.insert((node, *descriptor), 0);
            }
            Call::Write { descriptor, at, bytes, .. } => {
                let Some(node) = known else { return };
                let at = at.unwrap_or_else(|| {
                    let position = self.positions.entry((node, *descriptor)).or_default();
                    *position += bytes.len() as u64;
                    *position - bytes.len() as u64
                });
                self.edit(node, Edit::Write { at, bytes: bytes.clone() });
            }
            Call::Seek { descriptor, to, .. } => {
                self.positions.extend(known.map(|node| ((node, *descriptor), *to)));
            }
            Call::Truncate { length, .. } => {
                known.map(|node| self.edit(node, Edit::Length(*length)));
            }
            Call::Sync { path, begun } => self.sync(path, *begun),
            Call::Rename { from, to } => {
                let node = self.now[from];
                assert!(!self.nodes[node].is_folder, "{call:?}: the model does not know how to move folders");
                if folder(from) == folder(to) {
                    self.change(folder(from), vec![(from.clone(), None), (to.clone(), Some(node))]);
                } else {
                    self.change(folder(to), vec![(to.clone(), Some(node))]);
                    self.change(folder(from), vec![(from.clone(), None)]);
                }
            }
            Call::Link { from, to } => self.change(folder(to), vec![(to.clone(), Some(self.now[from]))]),
            Call::Remove { path } => self.change(folder(path), vec![(path.clone(), None)]),
            Call::MakeFolder { path } => {
                let is_new = !self.changes.iter().any(|change| change.folder == *path);
                assert!(is_new, "{call:?}: the model does not know how to make a folder anew");
                self.make(path, true);
            }
            Call::Other { .. } => {
                let is_file = known.is_some_and(|node| !self.nodes[node].is_folder);
                assert!(!is_file, "{call:?}: the model does not know this call");
            }
        }
    }

    fn edit(&mut self, node: Id, edit: Edit) -> Id {
        self.nodes[node].edits.push((self.calls, edit));
        node
    }

    fn make(&mut self, path: &str, is_folder: bool) -> Id {
        let node = self.nodes.len();
        self.nodes.push(Node { is_folder, ..Node::default() });
        self.change(folder(path), vec![(path.to_owned(), Some(node))]);
        node
    }

    fn change(&mut self, folder: &str, names: Vec<(String, Option<Id>)>) {
        let change = Change { call: self.calls, folder: folder.to_owned(), names };
        change.apply(&mut self.now);
        self.changes.push(change);
    }

    fn sync(&mut self, path: &str, begun: usize) {
        if let Some(&node) = self.now.get(path) {
            let Node { synced, edits, .. } = &mut self.nodes[node];
            edits.extract_if(.., |(call, _)| *call <= begun).for_each(|(_, edit)| edit.apply(synced));
        }
        for change in self.changes.extract_if(.., |change| change.folder == path && change.call <= begun) {
            change.apply(&mut self.synced);
            self.journal = self.journal.max(change.call);
        }
    }

    /// What programs see.
    pub fn now(&self) -> Files {
        self.files(&self.now, Node::now)
    }

    /// What may be there after a power cut.
    pub fn after_power_cut(&self, random: &mut Random) -> Files {
        let mut names = self.synced.clone();
        let has_journal = random.below(2) == 0;
        let last = self.changes.last().map_or(0, |change| change.call).max(self.journal);
        let until = self.journal + random.below((last - self.journal) as u64 + 1) as usize;
        let quarters = random.below(5);
        for change in &self.changes {
            if if has_journal { change.call <= until } else { random.below(4) < quarters } {
                change.apply(&mut names);
            }
        }
        self.files(&names, |node| node.after_power_cut(random))
    }

    /// What these names show. A file with two names has the same bytes under both, and what was in a lost folder is lost.
    fn files(&self, names: &BTreeMap<String, Id>, mut content: impl FnMut(&Node) -> Vec<u8>) -> Files {
        let mut known: BTreeMap<Id, Vec<u8>> = BTreeMap::new();
        let mut files = Files::new();
        for (path, &id) in names {
            let above = folder(path);
            // A folder comes before what is in it.
            if above != self.root && !files.get(above).is_some_and(Option::is_none) {
                continue;
            }
            let node = &self.nodes[id];
            let bytes = (!node.is_folder).then(|| known.entry(id).or_insert_with(|| content(node)).clone());
            files.insert(path.clone(), bytes);
        }
        files
    }
}

/// The folder of a path.
pub fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}
