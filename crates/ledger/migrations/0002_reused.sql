-- What was not computed for a finished segment: frames that repeat the one before, and pixels of the source.
ALTER TABLE segment ADD COLUMN frames_reused INTEGER NOT NULL DEFAULT 0;
ALTER TABLE segment ADD COLUMN pixels_reused INTEGER NOT NULL DEFAULT 0;
