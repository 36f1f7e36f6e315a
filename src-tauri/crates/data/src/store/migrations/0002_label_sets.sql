-- A row carries a set of labels: one in most projects, several (or none of them) where texts may have several.
-- Sets are stored once and referred to; where the first format referred to a label, this one refers to a set.

PRAGMA defer_foreign_keys = ON;

CREATE TABLE label_set (
    id      INTEGER PRIMARY KEY,
    members TEXT NOT NULL UNIQUE -- JSON: ids of labels, ascending; [] = none of the labels applies
);
CREATE TABLE label_set_member (
    label     INTEGER NOT NULL REFERENCES label,
    label_set INTEGER NOT NULL REFERENCES label_set,
    PRIMARY KEY (label, label_set)
) WITHOUT ROWID;
INSERT INTO label_set (id, members) SELECT id, '[' || id || ']' FROM label;
INSERT INTO label_set_member (label, label_set) SELECT id, id FROM label;
CREATE TRIGGER label_set_keep BEFORE UPDATE ON label_set BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER label_set_stay BEFORE DELETE ON label_set BEGIN SELECT RAISE(ABORT, 'append only'); END;

-- SQLite cannot change what a column refers to: the tables are made again.
CREATE TABLE annotation_of_sets (
    id        INTEGER PRIMARY KEY,
    example   INTEGER NOT NULL REFERENCES example,
    label_set INTEGER REFERENCES label_set, -- NULL = no answer yet, or taken away
    previous  INTEGER REFERENCES label_set,
    kind      TEXT NOT NULL CHECK (kind IN ('import', 'set', 'undo', 'redo')),
    target    INTEGER REFERENCES annotation_of_sets, -- renamed along with the table
    who       TEXT NOT NULL,
    at        TEXT NOT NULL
);
INSERT INTO annotation_of_sets SELECT id, example, label, previous, kind, target, who, at FROM annotation;
DROP TABLE annotation;
ALTER TABLE annotation_of_sets RENAME TO annotation;
CREATE INDEX annotation_example ON annotation (example);
CREATE INDEX annotation_hand ON annotation (id) WHERE kind <> 'import';
CREATE INDEX annotation_who ON annotation (who, kind) WHERE kind <> 'import';
CREATE INDEX annotation_target ON annotation (target) WHERE target IS NOT NULL;
CREATE TRIGGER annotation_keep BEFORE UPDATE ON annotation BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER annotation_stay BEFORE DELETE ON annotation BEGIN SELECT RAISE(ABORT, 'append only'); END;

CREATE TABLE state_of_sets (
    example   INTEGER PRIMARY KEY REFERENCES example,
    label_set INTEGER REFERENCES label_set,
    hidden_by INTEGER REFERENCES cleaning_step,
    part      INTEGER
);
INSERT INTO state_of_sets SELECT example, label, hidden_by, part FROM state;
DROP TABLE state;
ALTER TABLE state_of_sets RENAME TO state;
CREATE INDEX state_label_set ON state (hidden_by, label_set);
CREATE INDEX state_part ON state (hidden_by, part, label_set);

-- `gold` and `predicted` are JSON lists of indexes into the run's own list of labels.
CREATE TABLE prediction_of_sets (
    run           TEXT NOT NULL REFERENCES run (id),
    part          INTEGER NOT NULL,
    example       INTEGER NOT NULL REFERENCES example,
    gold          TEXT NOT NULL,
    predicted     TEXT NOT NULL,
    confidence    REAL NOT NULL,
    probabilities BLOB NOT NULL, -- 32-bit floats, little-endian
    PRIMARY KEY (run, part, example)
) WITHOUT ROWID;
INSERT INTO prediction_of_sets
    SELECT run, part, example, '[' || gold || ']', '[' || predicted || ']', confidence, probabilities FROM prediction;
DROP TABLE prediction;
ALTER TABLE prediction_of_sets RENAME TO prediction;
