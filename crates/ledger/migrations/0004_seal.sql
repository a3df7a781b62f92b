-- A checksum over what a row says: the database's own check does not see a flipped bit in a number or a name.
ALTER TABLE job ADD COLUMN seal INTEGER;
ALTER TABLE segment ADD COLUMN seal INTEGER;
