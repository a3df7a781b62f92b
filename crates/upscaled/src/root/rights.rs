//! Whose a server's state is, and what is said to another user.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::bail;
use rustix::fs::{Access, access};
use rustix::io::Errno;

/// The users of this system.
const USERS: &str = "/etc/passwd";

/// Refuses a folder in which this user may not change the ledger; one that is not there is no hindrance.
pub(super) fn check(state: &Path, ledger: &Path) -> anyhow::Result<()> {
    let beside = |ending: &str| {
        let mut name = ledger.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    let files = [ledger.to_owned(), beside("-wal"), beside("-shm")];
    let all = Access::READ_OK | Access::WRITE_OK;
    let is_denied = |path: &Path, rights| matches!(access(path, rights), Err(Errno::ACCESS | Errno::PERM));
    let denied = if is_denied(state, all | Access::EXEC_OK) {
        Some(state)
    } else {
        files.iter().map(PathBuf::as_path).find(|file| is_denied(file, all))
    };
    let Some(denied) = denied else { return Ok(()) };
    let shown = denied.display();
    let owner = match fs::metadata(denied) {
        Ok(found) => found.uid(),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            bail!("`{shown}` cannot be looked at by this user: run this as the user of the server")
        }
        Err(_) => return Ok(()),
    };
    let own = rustix::process::geteuid().as_raw();
    if owner == own {
        bail!(
            "`{shown}` is yours, and its rights do not let you read and write it: give them with chmod u+rwX"
        );
    }
    // sudo takes a number with this sign.
    let name = |id: u32| user(id).unwrap_or_else(|| format!("#{id}"));
    let (owner, own) = (name(owner), name(own));
    bail!(
        "`{shown}` is of the user {owner}, whose server this is, and {own} may not change it: run this as that user, `sudo -u {owner} upscaled ...`"
    )
}

/// The name of a user.
fn user(id: u32) -> Option<String> {
    let users = fs::read_to_string(USERS).ok()?;
    let of_line = |line: &str| {
        let mut fields = line.split(':');
        let name = fields.next()?.to_owned();
        (fields.nth(1)?.parse() == Ok(id)).then_some(name)
    };
    users.lines().find_map(of_line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_have_names() {
        assert_eq!(user(0).as_deref(), Some("root"));
        assert_eq!(user(u32::MAX - 7), None);
    }

    #[test]
    fn what_is_not_there_is_no_hindrance() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        assert!(check(&state, &state.join("ledger.db")).is_ok());
        fs::create_dir(&state).unwrap();
        assert!(check(&state, &state.join("ledger.db")).is_ok());
    }
}
