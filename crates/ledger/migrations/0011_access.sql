-- The owner's password, as argon2id makes it (a PHC string). One row at most; without one, no password is set.
CREATE TABLE owner (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    password TEXT    NOT NULL,
    seal     INTEGER NOT NULL
) STRICT;

-- Sessions of the owner, by the SHA-256 of what their browser sends.
CREATE TABLE session (
    digest BLOB    PRIMARY KEY,
    used   INTEGER NOT NULL,
    seal   INTEGER NOT NULL
) STRICT;

-- Tokens of programs, by the SHA-256 of what they send.
CREATE TABLE token (
    name    TEXT    PRIMARY KEY,
    digest  BLOB    NOT NULL UNIQUE,
    scopes  TEXT    NOT NULL,                  -- JSON
    created INTEGER NOT NULL,
    used    INTEGER,                           -- NULL: never
    seal    INTEGER NOT NULL
) STRICT;
