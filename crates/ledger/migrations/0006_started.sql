-- When the work on a job began for the first time: for people. Not under the seal, which rows of earlier versions have already.
ALTER TABLE job ADD COLUMN started INTEGER;
