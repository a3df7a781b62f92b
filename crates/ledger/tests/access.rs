//! The password, sessions and tokens are kept, and nothing brings back what was revoked.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use job::Millis;
use ledger::{Error, Ledger, Scope, Token};

fn token(name: &str) -> Token {
    let scopes = BTreeSet::from([Scope::Read, Scope::Control]);
    Token { name: name.to_owned(), scopes, created: Millis(5), used: None }
}

#[tokio::test]
async fn what_is_set_is_kept_until_it_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let ledger = Ledger::open(&path).await.unwrap();
    assert_eq!(ledger.password().await.unwrap(), None);
    assert!(!ledger.set_password("first", true).await.unwrap());
    assert!(ledger.set_password("another first", true).await.unwrap());
    assert_eq!(ledger.password().await.unwrap().as_deref(), Some("first"));
    assert!(ledger.add_session(&[1; 32], "first", Millis(10)).await.unwrap());
    assert!(ledger.add_session(&[2; 32], "first", Millis(20)).await.unwrap());
    // Of another password, or of none.
    assert!(!ledger.add_session(&[4; 32], "another first", Millis(20)).await.unwrap());
    ledger.use_session(&[3; 32], Millis(20)).await.unwrap();
    ledger.end_sessions_before(Millis(15)).await.unwrap();
    ledger.use_session(&[2; 32], Millis(30)).await.unwrap();
    assert!(ledger.add_token(&token("b"), &[7; 32]).await.unwrap());
    assert!(ledger.add_token(&token("a"), &[8; 32]).await.unwrap());
    assert!(!ledger.add_token(&token("a"), &[9; 32]).await.unwrap());
    ledger.use_token(&token("a"), &[8; 32], Millis(99)).await.unwrap();
    ledger.close().await;

    let ledger = Ledger::open(&path).await.unwrap();
    ledger.read_all().await.unwrap();
    assert_eq!(ledger.session(&[1; 32]).await.unwrap(), None);
    assert_eq!(ledger.session(&[2; 32]).await.unwrap(), Some(Millis(30)));
    assert_eq!(ledger.session(&[3; 32]).await.unwrap(), None);
    let used = Token { used: Some(Millis(99)), ..token("a") };
    assert_eq!(ledger.tokens().await.unwrap(), [used.clone(), token("b")]);
    assert_eq!(ledger.token(&[8; 32]).await.unwrap(), Some(used));
    assert!(ledger.remove_token("a").await.unwrap() && !ledger.remove_token("a").await.unwrap());
    assert_eq!(ledger.token(&[8; 32]).await.unwrap(), None);
    // A new password ends all sessions.
    assert!(ledger.set_password("second", false).await.unwrap());
    assert_eq!(ledger.session(&[2; 32]).await.unwrap(), None);
    assert!(ledger.remove_password().await.unwrap() && !ledger.remove_password().await.unwrap());
    assert_eq!(ledger.password().await.unwrap(), None);
}

#[tokio::test]
async fn a_row_that_was_damaged_lets_nothing_in() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let ledger = Ledger::open(&path).await.unwrap();
    ledger.set_password("first", true).await.unwrap();
    assert!(ledger.add_session(&[1; 32], "first", Millis(10)).await.unwrap());
    ledger.add_token(&token("a"), &[7; 32]).await.unwrap();
    let pool = sqlx::SqlitePool::connect(path.to_str().unwrap()).await.unwrap();
    for (damage, mending) in [
        ("UPDATE owner SET password = 'other'", "UPDATE owner SET password = 'first'"),
        ("UPDATE session SET used = 9999", "UPDATE session SET used = 10"),
        ("UPDATE token SET scopes = '[\"admin\"]'", "UPDATE token SET scopes = '[\"read\",\"control\"]'"),
    ] {
        sqlx::query(damage).execute(&pool).await.unwrap();
        assert!(matches!(ledger.read_all().await, Err(Error::Corrupt(_))), "{damage}");
        sqlx::query(mending).execute(&pool).await.unwrap();
        ledger.read_all().await.unwrap();
    }
    sqlx::query("UPDATE token SET scopes = '[\"admin\"]'").execute(&pool).await.unwrap();
    assert!(matches!(ledger.token(&[7; 32]).await, Err(Error::Corrupt(_))));
}

#[tokio::test]
async fn a_backup_brings_no_password_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let ledger = Ledger::open(&path).await.unwrap();
    ledger.set_password("first", true).await.unwrap();
    assert!(ledger.add_session(&[1; 32], "first", Millis(10)).await.unwrap());
    ledger.add_token(&token("a"), &[7; 32]).await.unwrap();
    ledger.back_up().await.unwrap();
    ledger.close().await;
    fs::write(&path, "this is no database").unwrap();
    let (ledger, rescue) = Ledger::open_or_rescue(&path).await.unwrap();
    assert!(rescue.unwrap().from_backup);
    assert_eq!(ledger.password().await.unwrap(), None);
    assert_eq!(ledger.session(&[1; 32]).await.unwrap(), None);
    assert_eq!(ledger.tokens().await.unwrap(), []);
}

#[tokio::test]
async fn other_users_read_neither_the_ledger_nor_its_copy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    Ledger::open(&path).await.unwrap().close().await;
    // As an earlier version made it.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let ledger = Ledger::open(&path).await.unwrap();
    ledger.back_up().await.unwrap();
    for name in ["ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.db.backup"] {
        let mode = fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o007, 0, "{name}");
    }
}
