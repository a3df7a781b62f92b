-- Milliseconds that a job was worked on, and since when it is again: for people. NULL for jobs that began under an earlier version. Not
-- under the seal, as `started`.
ALTER TABLE job ADD COLUMN worked INTEGER;
ALTER TABLE job ADD COLUMN working_since INTEGER;
UPDATE job SET worked = 0 WHERE started IS NULL AND epoch = 0;
