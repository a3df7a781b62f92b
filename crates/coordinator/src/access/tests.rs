//! Sessions end, tokens are revoked, and a password that was lost keeps the server closed.

use super::*;

const DAY: i64 = 24 * 3600 * 1000;

fn password() -> Password {
    Password::new("correct horse".to_owned())
}

async fn access(folder: &tempfile::TempDir) -> Access {
    Access::new(Ledger::open(&folder.path().join("ledger.db")).await.unwrap())
}

/// A session of the owner.
async fn session(access: &Access, now: Millis) -> Secret {
    if access.verifier().await.unwrap().is_none() {
        access.set_password(password(), true).await.unwrap();
    }
    let verifier = access.verifier().await.unwrap().unwrap();
    access.begin_session(&verifier, now).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_session_ends_after_thirty_days_without_use() {
    let folder = tempfile::tempdir().unwrap();
    let access = access(&folder).await;
    let secret = session(&access, Millis(0)).await;
    // Each use counts from then on.
    assert!(access.is_session(&secret, Millis(29 * DAY)).await.unwrap());
    assert!(access.is_session(&secret, Millis(58 * DAY)).await.unwrap());
    assert!(!access.is_session(&secret, Millis(88 * DAY)).await.unwrap());
    // Also when the clock is set back.
    assert!(!access.is_session(&secret, Millis(58 * DAY)).await.unwrap());
    assert!(!access.is_session(&Secret::received("other"), Millis(0)).await.unwrap());
}

#[tokio::test]
async fn sessions_of_long_ago_are_removed() {
    let folder = tempfile::tempdir().unwrap();
    let access = access(&folder).await;
    let old = session(&access, Millis(0)).await;
    session(&access, Millis(31 * DAY)).await;
    assert_eq!(access.0.ledger.session(&old.digest()).await.unwrap(), None);
}

#[tokio::test]
async fn use_is_written_once_a_minute() {
    let folder = tempfile::tempdir().unwrap();
    let access = access(&folder).await;
    let (_, secret) = access.create_token("a", BTreeSet::from([Scope::Read]), Millis(0)).await.unwrap();
    let mut written = Vec::new();
    for now in [1000, 60_999, 61_000, 62_000] {
        access.token(&secret, Millis(now)).await.unwrap().unwrap();
        written.push(access.tokens().await.unwrap()[0].used.unwrap().0);
    }
    assert_eq!(written, [1000, 1000, 61_000, 61_000]);
    let session = session(&access, Millis(0)).await;
    assert!(access.is_session(&session, Millis(59_000)).await.unwrap());
    assert_eq!(access.0.ledger.session(&session.digest()).await.unwrap(), Some(Millis(0)));
}

#[tokio::test]
async fn who_watches_is_told_of_what_was_allowed_and_is_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let access = access(&folder).await;
    let mut changes = access.changes();
    let (_, secret) = access.create_token("a", BTreeSet::from([Scope::Read]), Millis(0)).await.unwrap();
    assert!(!changes.has_changed().unwrap());
    access.revoke_token("a").await.unwrap();
    assert!(changes.has_changed().unwrap());
    changes.mark_unchanged();
    assert_eq!(access.token(&secret, Millis(0)).await.unwrap(), None);
    access.set_password(password(), true).await.unwrap();
    assert!(changes.has_changed().unwrap());
}

#[tokio::test]
async fn tokens_have_names_and_scopes() {
    let folder = tempfile::tempdir().unwrap();
    let access = access(&folder).await;
    let read = || BTreeSet::from([Scope::Read]);
    for name in ["", " a", "a ", "a\nb", &"x".repeat(101)] {
        let refused = access.create_token(name, read(), Millis(0)).await.unwrap_err();
        assert_eq!(refused, Refusal::Access(AccessError::BadName), "{name}");
    }
    let refused = access.create_token("a", BTreeSet::new(), Millis(0)).await.unwrap_err();
    assert_eq!(refused, Refusal::Access(AccessError::NoScope));
    access.create_token("a", read(), Millis(0)).await.unwrap();
    let refused = access.create_token("a", read(), Millis(0)).await.unwrap_err();
    assert_eq!(refused, Refusal::Access(AccessError::NameTaken("a".to_owned())));
    let refused = access.revoke_token("b").await.unwrap_err();
    assert_eq!(refused, Refusal::Access(AccessError::NoToken("b".to_owned())));
}

#[tokio::test]
async fn a_password_that_was_lost_is_not_none() {
    let folder = tempfile::tempdir().unwrap();
    let first = access(&folder).await;
    assert_eq!(first.password_state().await.unwrap(), PasswordState::Unset);
    assert!(!first.set_password(password(), true).await.unwrap());
    assert_eq!(first.password_state().await.unwrap(), PasswordState::Set);
    let refused = first.set_password(password(), true).await.unwrap_err();
    assert_eq!(refused, Refusal::Access(AccessError::AlreadySet));
    first.0.ledger.clone().close().await;
    for name in ["ledger.db", "ledger.db-wal", "ledger.db-shm"] {
        let _ = std::fs::remove_file(folder.path().join(name));
    }
    let second = access(&folder).await;
    assert_eq!(second.password_state().await.unwrap(), PasswordState::Lost);
    assert!(second.verifier().await.unwrap().is_none());
    let refused = second.set_password(password(), true).await.unwrap_err();
    assert_eq!(refused, Refusal::Access(AccessError::AlreadySet));
    assert!(!second.set_password(password(), false).await.unwrap());
    assert!(second.remove_password().await.unwrap());
    assert_eq!(second.password_state().await.unwrap(), PasswordState::Unset);
}

#[tokio::test]
async fn a_new_password_ends_sessions_also_those_that_are_about_to_begin() {
    let folder = tempfile::tempdir().unwrap();
    let access = access(&folder).await;
    let begun = session(&access, Millis(0)).await;
    let verifier = access.verifier().await.unwrap().unwrap();
    assert!(access.set_password(Password::new("battery staple".to_owned()), false).await.unwrap());
    assert!(!access.is_session(&begun, Millis(1)).await.unwrap());
    assert_eq!(access.begin_session(&verifier, Millis(1)).await.unwrap(), None);
}
