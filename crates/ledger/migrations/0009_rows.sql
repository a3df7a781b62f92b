-- What the segments of a job amount to, so that no question about a job reads them all. JSON.
ALTER TABLE job ADD COLUMN totals TEXT NOT NULL
    DEFAULT '{"running":0,"finished":0,"frames":0,"bytes":0,"frames_reused":0,"pixels_reused":0}';
-- The highest epoch that any work of the job has had, and when the last of its leases ends.
ALTER TABLE job ADD COLUMN highest_epoch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN lease_until INTEGER NOT NULL DEFAULT 0;
-- The name of the status, to count and to choose by.
ALTER TABLE job ADD COLUMN state TEXT NOT NULL DEFAULT 'queued';
-- When the job came to its end; NULL while it has not.
ALTER TABLE job ADD COLUMN ended INTEGER;
-- Frames before the first of a segment that are decoded for it.
ALTER TABLE segment ADD COLUMN lead_in INTEGER NOT NULL DEFAULT 0;

CREATE INDEX segment_pending ON segment (job, number) WHERE state = 'pending';
CREATE INDEX segment_running ON segment (job, number) WHERE state = 'running';
CREATE INDEX job_ended ON job (ended, id, state);

-- What happened to jobs, one row a change, for readers that follow; the oldest rows are removed.
CREATE TABLE event (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    job    INTEGER NOT NULL,
    at     INTEGER NOT NULL,
    what   TEXT    NOT NULL                    -- JSON
) STRICT;
