-- The highest number of the jobs that were forgotten: no number is given twice. One row.
CREATE TABLE forgotten (highest INTEGER NOT NULL) STRICT;
INSERT INTO forgotten (highest) VALUES (0);
