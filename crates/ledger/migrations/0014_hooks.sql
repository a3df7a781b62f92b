-- How far each webhook is in the events, by the SHA-256 of its form and address.
CREATE TABLE hook (
    key     BLOB    PRIMARY KEY,
    after   INTEGER NOT NULL,                  -- the number of an event
    failing INTEGER,                           -- since when; NULL: not
    seal    INTEGER NOT NULL
) STRICT;

-- What happened to a job before an event is looked for where a hook is told of it.
CREATE INDEX event_job ON event (job, number);
