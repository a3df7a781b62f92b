-- Files in the folder that is watched which are no jobs yet: for people, and written anew from what is there.
CREATE TABLE seen (
    path     BLOB    PRIMARY KEY,
    size     INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    since    INTEGER NOT NULL,                 -- when it was first seen
    reason   TEXT    NOT NULL                  -- what it waits for
) STRICT, WITHOUT ROWID;

-- 1 once the source of a finished job was found to be gone: when it comes back, that is news.
ALTER TABLE job ADD COLUMN gone INTEGER NOT NULL DEFAULT 0;
-- The job whose result this one's replaces: that was made of the same file before it was whole.
ALTER TABLE job ADD COLUMN replaces INTEGER;

-- For the questions that every new file asks.
CREATE INDEX job_folder ON job (folder);
CREATE INDEX job_place ON job (place);
