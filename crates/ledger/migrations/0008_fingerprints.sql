-- For the question whether a new file is the renamed source of a job.
CREATE INDEX job_fingerprint ON job (fingerprint);
