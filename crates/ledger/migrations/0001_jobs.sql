-- One row a job. Paths are bytes, since file names need not be UTF-8; times are milliseconds since 1970.
CREATE TABLE job (
    id            INTEGER PRIMARY KEY,
    source        BLOB    NOT NULL,
    fingerprint   TEXT    NOT NULL,            -- of the source's content
    stamp         TEXT    NOT NULL,            -- size, time and place of the source when it was taken in
    settings      TEXT    NOT NULL,            -- JSON
    settings_hash TEXT    NOT NULL,
    output        BLOB    NOT NULL,            -- the folder that the result goes to
    folder        BLOB    NOT NULL,            -- the folder of the unfinished work
    result        BLOB    UNIQUE,              -- the name that is reserved for the result
    created       INTEGER NOT NULL,
    changed       INTEGER NOT NULL,

    status        TEXT    NOT NULL,            -- JSON
    runnable      INTEGER NOT NULL,            -- 1 while somebody can work on it
    phase         TEXT    NOT NULL,            -- JSON
    work          TEXT    NOT NULL,            -- JSON: state, epoch, attempts of the work that is no segment
    epoch         INTEGER NOT NULL,            -- the epoch in it: a writer must name the one it read
    method        TEXT    NOT NULL,            -- JSON
    facts         TEXT,                        -- JSON
    plan          TEXT,                        -- JSON
    result_bytes  INTEGER,

    UNIQUE (source, fingerprint, settings_hash)
) STRICT;

CREATE INDEX job_runnable ON job (id) WHERE runnable = 1;

-- One row a segment.
CREATE TABLE segment (
    job         INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    number      INTEGER NOT NULL,
    first_frame INTEGER NOT NULL,
    end_frame   INTEGER NOT NULL,
    state       TEXT    NOT NULL CHECK (state IN ('pending', 'running', 'done')),
    epoch       INTEGER NOT NULL,
    attempts    INTEGER NOT NULL,
    not_before  INTEGER NOT NULL,
    worker      TEXT,
    lease_until INTEGER,
    file        TEXT,
    bytes       INTEGER,
    blake3      TEXT,
    PRIMARY KEY (job, number),
    CHECK ((state = 'running') = (worker IS NOT NULL)),
    CHECK ((state = 'done') = (file IS NOT NULL))
) STRICT, WITHOUT ROWID;
