-- What another program made the result of a job with, which was not made here: the name of its model, for people. Not under the seal, as
-- `started`.
ALTER TABLE job ADD COLUMN made_with TEXT;
