//! `password`: the owner's password, whether a server runs or not.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _};

use anyhow::Context as _;
use coordinator::commands::{Reply, Request};
use coordinator::{AccessReply, AccessRequest, Password};

use super::unexpected;
use crate::cli::PasswordChange;
use crate::exit::{Ending, wrong};
use crate::output;
use crate::reach::ask;
use crate::root::Root;

/// Longest line that is read, in bytes: the longest password and the end of its line, and one more to tell a longer one.
const LONGEST_LINE: u64 = Password::LONGEST as u64 + 3;

pub(super) async fn run(change: PasswordChange) -> anyhow::Result<Ending> {
    let root = Root::new(&change.root.root)?;
    let request = if change.remove {
        AccessRequest::RemovePassword
    } else {
        root.check_rights()?;
        let password = tokio::task::spawn_blocking(read).await??;
        password.check().map_err(|error| wrong(error.to_string()))?;
        AccessRequest::SetPassword(password)
    };
    let Reply::Access(AccessReply::Password { had }) = ask(&root, Request::Access(request)).await? else {
        return Err(unexpected());
    };
    let folder = output::path(root.folder());
    output::say(&match (change.remove, had) {
        (false, false) => format!(
            "the password of the server in `{folder}` is set: the page and the API ask for it from now on"
        ),
        (false, true) => {
            format!("the password of the server in `{folder}` is changed, and all sessions have ended")
        }
        (true, true) => format!(
            "the password of the server in `{folder}` is removed: a server that listens on this machine alone is open to all its users, and one that other machines reach answers tokens alone"
        ),
        (true, false) => "no password was set".to_owned(),
    });
    Ok(Ending::Done)
}

/// Asks for a password twice, or reads it from a standard input that is no terminal.
fn read() -> anyhow::Result<Password> {
    if !io::stdin().is_terminal() {
        return first_line(&mut io::stdin().lock());
    }
    let ask = |prompt: &str| {
        rpassword::prompt_password(prompt).context("no password can be asked for on this terminal")
    };
    let password = ask("New password: ")?;
    if ask("Once more: ")? != password {
        return Err(wrong("the two are not the same: do this again"));
    }
    Ok(Password::new(password))
}

fn first_line(input: &mut impl io::BufRead) -> anyhow::Result<Password> {
    let mut line = Vec::new();
    input.take(LONGEST_LINE).read_until(b'\n', &mut line).context("the standard input cannot be read")?;
    let line = line.strip_suffix(b"\n").unwrap_or(&line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let text = std::str::from_utf8(line).map_err(|_| wrong("the password is no text in UTF-8"))?;
    Ok(Password::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use coordinator::AccessError;

    use super::*;

    #[test]
    fn the_first_line_is_the_password() {
        let read = |text: &[u8]| first_line(&mut io::BufReader::new(text));
        for text in ["correct horse", "correct horse\n", "correct horse\r\n", "correct horse\nmore\n"] {
            assert_eq!(read(text.as_bytes()).unwrap(), Password::new("correct horse".to_owned()), "{text:?}");
        }
        let with_spaces = read(b" correct horse \n").unwrap();
        assert_eq!(with_spaces, Password::new(" correct horse ".to_owned()));
        let longest = "x".repeat(Password::LONGEST) + "\r\n";
        assert_eq!(read(longest.as_bytes()).unwrap().check(), Ok(()));
        assert_eq!(read(&[b'x'; 9999]).unwrap().check(), Err(AccessError::TooLong));
        assert_eq!(read(b"").unwrap().check(), Err(AccessError::TooShort));
        assert!(read(b"caf\xe9 au lait\n").is_err());
    }
}
