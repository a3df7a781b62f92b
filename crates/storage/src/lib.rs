//! What touches the disk: segment files, scratch in RAM, spill-over, room on the disk, atomic publishing.
//!
//! Goals:
//! - A file under its final name is whole and on the disk, or it is not there at all.
//! - Damage is found: every bit of a segment and of a frame list is under a checksum.
//! - Running out of RAM moves work to the disk; running out of disk is an [`Error`] that says how much is needed.
//! - Bytes from a damaged or hostile file cause an error, never a panic and never memory that the file does not justify.
//!
//! Non-goals: knowing what is in a packet (`media`'s), which segments a job needs or when to try again (`job`'s),
//! remembering what is done (`ledger`'s). Nothing here is asynchronous, and nothing looks at a clock.
//!
//! Linux only: anonymous files, `renameat2`, `statfs` magic numbers, `/proc` and control groups are used as they are.

mod atomic;
mod bytes;
mod error;
mod fingerprint;
mod frame_list;
mod key;
mod lock;
mod memory;
mod open;
pub mod packet_log;
mod parts;
mod publish;
mod reach;
mod remove;
mod scratch;
mod sealed;
mod segment;
mod segment_list;
mod space;
#[cfg(test)]
mod test_disk;

pub use atomic::{Draft, make_folder, make_folder_below, sync_folder, write_atomic, write_status};
pub use bytes::{Bytes, NoBytes};
pub use error::Error;
pub use fingerprint::{Fingerprint, Stamp, checksum, fingerprint, whole_checksum};
pub use frame_list::{
    FieldsPart, FrameListFault, FrameListFile, PartOfList, PictureKind, PicturesPart, StretchPart,
};
pub use key::Key;
pub use lock::FolderLock;
pub use memory::available as available_memory;
pub use open::{
    open_shared_file, open_users_file, read_users_file, read_workers_file, take_workers_file, workers_bytes,
};
pub use packet_log::{Packet, PacketLogError, PacketLogReader, PacketLogWriter, Summary};
pub use parts::{first_part, parts};
pub use publish::{publish, publish_copy, publish_replacing, remove_leftovers};
pub use reach::{check_readable, check_writable, device, inode, is_below, mount, real_place};
pub use remove::remove_folder;
pub use scratch::{MEMORY_VARIABLE, Scratch, ScratchFile, ScratchOptions};
pub use sealed::{read_keyed, read_sealed, write_keyed, write_sealed};
pub use segment::{Committed, Scan, SegmentFault, SegmentName, check, commit, scan, sweep};
pub use segment_list::{SegmentListFault, read_segment_list, write_segment_list};
pub use space::{FileSystem, file_system_kind, free_bytes, is_no_space, require};
