//! A full disk is an error of its own, and the ledger goes on when there is room.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed"
)]

use std::path::Path;
use std::process::Command;

use job::{FilePath, Millis, NewJob, Settings};
use ledger::{Error, Ledger};

/// A small file system in memory, gone at the end of the test.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// `None`, with the reason, where nothing can be mounted.
    fn mount(bytes: u64) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let size = format!("size={bytes}");
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path()).output();
        match mount {
            Ok(output) if output.status.success() => Some(Self(folder)),
            other => {
                println!("skipped: no small disk can be mounted here, which needs root: {other:?}");
                None
            }
        }
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn resize(&self, bytes: u64) {
        let options = format!("remount,size={bytes}");
        assert!(Command::new("mount").args(["-o", &options]).arg(self.path()).status().unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}

fn new_job(number: u32) -> NewJob {
    NewJob {
        source: FilePath::from(format!("/{number}")),
        fingerprint: "f".to_owned(),
        stamp: "s".to_owned(),
        settings: Settings::default(),
        output: "/out".into(),
        folder: format!("/out/{number}.job").into(),
        result: None,
    }
}

#[tokio::test]
async fn a_change_that_found_no_room_succeeds_when_there_is_some() {
    let Some(disk) = SmallDisk::mount(256 << 10) else { return };
    let ledger = Ledger::open(&disk.path().join("ledger.db")).await.unwrap();
    let mut jobs = 0;
    let error = loop {
        match ledger.submit(&new_job(jobs), Millis(0)).await {
            Ok(_) => jobs += 1,
            Err(error) => break error,
        }
    };
    assert!(error.is_no_space(), "{error}");
    // It stays so, and can be read all the while.
    for _ in 0..3 {
        let error = ledger.submit(&new_job(jobs), Millis(0)).await.unwrap_err();
        assert!(error.is_no_space(), "{error}");
        assert_eq!(ledger.list().await.unwrap().len(), jobs as usize);
    }
    disk.resize(1 << 20);
    ledger.submit(&new_job(jobs), Millis(0)).await.unwrap();
    assert_eq!(ledger.list().await.unwrap().len(), jobs as usize + 1);
}

#[tokio::test]
async fn on_a_disk_that_is_too_small_opening_says_so_and_succeeds_later() {
    let mut refused = 0;
    for pages in 1..40 {
        let Some(disk) = SmallDisk::mount(pages * 4096) else { return };
        let path = disk.path().join("ledger.db");
        match Ledger::open(&path).await {
            Ok(ledger) => ledger.close().await,
            Err(error @ Error::Full { .. }) => {
                assert!(error.is_no_space());
                refused += 1;
                disk.resize(1 << 20);
                Ledger::open(&path).await.unwrap().close().await;
            }
            Err(error) => panic!("{pages} pages: {error}"),
        }
    }
    println!("{refused} sizes were too small");
    assert!(refused > 0);
}
