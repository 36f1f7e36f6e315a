-- A label that became several: which rows got another one in its place. What people had answered with the old label before
-- is no answer to the new question, unless the division is undone.
CREATE TABLE division (
    annotation INTEGER PRIMARY KEY REFERENCES annotation, -- the entry that gave the row its other label
    example    INTEGER NOT NULL REFERENCES example,
    label      INTEGER NOT NULL REFERENCES label, -- the one that was divided
    part       INTEGER NOT NULL REFERENCES label, -- the one in its place
    made       INTEGER NOT NULL, -- whether that one was new
    at         TEXT NOT NULL
);
CREATE INDEX division_example ON division (example);
CREATE TRIGGER division_keep BEFORE UPDATE ON division BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER division_stay BEFORE DELETE ON division BEGIN SELECT RAISE(ABORT, 'append only'); END;
