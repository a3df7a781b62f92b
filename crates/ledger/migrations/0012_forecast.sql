-- For estimates of the time left; nothing is decided by it, and no seal covers it.

-- What is left to do of a job, in pixels, by what is known of its film: at first by its head, later exactly.
CREATE TABLE forecast (
    job      INTEGER PRIMARY KEY REFERENCES job (id) ON DELETE CASCADE,
    model    TEXT    NOT NULL,
    pixels   REAL    NOT NULL,                 -- of a picture of the source
    frames   REAL    NOT NULL,                 -- of the film
    read     REAL    NOT NULL,
    computed REAL    NOT NULL,
    encoded  REAL    NOT NULL,
    joined   REAL    NOT NULL
) STRICT;

-- How fast the work on a job went: for itself after a restart, and for the next jobs of its model. Jobs may be forgotten before.
CREATE TABLE speed (
    job      INTEGER PRIMARY KEY,
    model    TEXT    NOT NULL,
    pixels   REAL    NOT NULL,                 -- of a picture of the source
    at       INTEGER NOT NULL,
    measured TEXT    NOT NULL                  -- JSON
) STRICT;

CREATE INDEX speed_model ON speed (model, at);
