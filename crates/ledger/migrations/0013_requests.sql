-- Requests that clients may send again, by the keys that they chose: what was asked, and what was answered.
CREATE TABLE request (
    key     TEXT    PRIMARY KEY,
    asked   BLOB    NOT NULL,                  -- SHA-256
    job     INTEGER NOT NULL,
    status  INTEGER NOT NULL,                  -- of HTTP
    answer  TEXT    NOT NULL,
    created INTEGER NOT NULL,
    seal    INTEGER NOT NULL
) STRICT;
