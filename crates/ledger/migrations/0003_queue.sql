-- How urgent a job is, and its place among those of the same priority: the smaller the earlier.
ALTER TABLE job ADD COLUMN priority TEXT NOT NULL DEFAULT '"normal"'; -- JSON
ALTER TABLE job ADD COLUMN place INTEGER NOT NULL DEFAULT 0;
UPDATE job SET place = id;
-- The failed attempts at work that is not finished, with what their workers left behind.
ALTER TABLE job ADD COLUMN failed_attempts TEXT NOT NULL DEFAULT '[]'; -- JSON
