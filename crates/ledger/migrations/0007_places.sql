-- From here on, paths inside the folder that holds the ledger's own folder are relative to it.
-- 1 once a person took the job off the list: it is not shown, and is not made again either.
ALTER TABLE job ADD COLUMN removed INTEGER NOT NULL DEFAULT 0;
