-- The first format. Raw rows, annotations and the audit log are append-only; triggers hold that.
-- Times are UTC, ISO 8601. Parts are 0 train, 1 validation, 2 test.

CREATE TABLE setting (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE source (
    id           INTEGER PRIMARY KEY,
    file_name    TEXT NOT NULL,
    bytes        INTEGER NOT NULL,
    sha256       TEXT NOT NULL,
    dialect      TEXT NOT NULL, -- JSON
    columns      TEXT NOT NULL, -- JSON: [{name, role}]
    rows         INTEGER NOT NULL,
    problem_rows INTEGER NOT NULL,
    imported_at  TEXT NOT NULL
);

-- What must be quick to scan about a row; its wide content stands apart.
CREATE TABLE example (
    id        INTEGER PRIMARY KEY,
    source    INTEGER NOT NULL REFERENCES source,
    row       INTEGER NOT NULL,
    length    INTEGER NOT NULL, -- characters of the trimmed text, 0 = empty
    text_hash BLOB NOT NULL,    -- of the text with whitespace collapsed
    group_key TEXT,
    file_part INTEGER CHECK (file_part IN (0, 1, 2))
);
CREATE INDEX example_text_hash ON example (text_hash);

-- `head` is the first 300 characters of a longer text and stands first, so that a page never reads a long text.
CREATE TABLE content (
    example INTEGER PRIMARY KEY REFERENCES example,
    head    TEXT,
    columns TEXT NOT NULL, -- JSON: the cells of all columns but the text, in the file's order
    text    TEXT NOT NULL
);

CREATE TABLE problem_row (
    id     INTEGER PRIMARY KEY,
    source INTEGER NOT NULL REFERENCES source,
    row    INTEGER NOT NULL,
    kind   TEXT NOT NULL, -- JSON
    raw    TEXT NOT NULL
);

CREATE TABLE cleaning_step (
    id          INTEGER PRIMARY KEY,
    kind        TEXT NOT NULL,
    rows_hidden INTEGER NOT NULL,
    at          TEXT NOT NULL,
    undone_at   TEXT
);

CREATE TABLE label (
    id      INTEGER PRIMARY KEY,
    name    TEXT NOT NULL,
    colour  INTEGER NOT NULL,
    key     TEXT NOT NULL,
    removed INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX label_name ON label (name) WHERE removed = 0;

-- The log of labels. `kind` is import, set, undo or redo; `target` is the "set" that an undo or redo is about.
CREATE TABLE annotation (
    id       INTEGER PRIMARY KEY,
    example  INTEGER NOT NULL REFERENCES example,
    label    INTEGER REFERENCES label,
    previous INTEGER REFERENCES label,
    kind     TEXT NOT NULL CHECK (kind IN ('import', 'set', 'undo', 'redo')),
    target   INTEGER REFERENCES annotation,
    who      TEXT NOT NULL,
    at       TEXT NOT NULL
);
CREATE INDEX annotation_example ON annotation (example);
CREATE INDEX annotation_hand ON annotation (id) WHERE kind <> 'import';
CREATE INDEX annotation_who ON annotation (who, kind) WHERE kind <> 'import';
CREATE INDEX annotation_target ON annotation (target) WHERE target IS NOT NULL;

-- What holds for each row now: the last label of its log, the step that hides it, its part of the newest split.
-- A cache of facts kept elsewhere, written in the same transaction as they are.
CREATE TABLE state (
    example   INTEGER PRIMARY KEY REFERENCES example,
    label     INTEGER REFERENCES label,
    hidden_by INTEGER REFERENCES cleaning_step,
    part      INTEGER
);
CREATE INDEX state_label ON state (hidden_by, label);
CREATE INDEX state_part ON state (hidden_by, part, label);

CREATE TABLE split (
    version   INTEGER PRIMARY KEY,
    seed      INTEGER NOT NULL,
    percent   TEXT NOT NULL, -- JSON
    grouped   INTEGER NOT NULL,
    from_file INTEGER NOT NULL,
    notes     TEXT NOT NULL, -- JSON
    at        TEXT NOT NULL
);
CREATE TABLE split_part (
    split   INTEGER NOT NULL REFERENCES split,
    example INTEGER NOT NULL REFERENCES example,
    part    INTEGER NOT NULL,
    PRIMARY KEY (split, example)
) WITHOUT ROWID;

CREATE TABLE run (
    number        INTEGER PRIMARY KEY,
    id            TEXT NOT NULL UNIQUE,
    status        TEXT NOT NULL,
    model         TEXT NOT NULL,
    created_at    TEXT NOT NULL,
    settings      TEXT NOT NULL, -- JSON
    split_version INTEGER REFERENCES split,
    summary       TEXT,          -- JSON
    reason        TEXT           -- JSON
);
-- `value` is NULL for a NaN, which SQLite cannot hold.
CREATE TABLE metric (
    run   TEXT NOT NULL REFERENCES run (id),
    step  INTEGER NOT NULL,
    name  TEXT NOT NULL,
    value REAL,
    PRIMARY KEY (run, step, name)
) WITHOUT ROWID;
CREATE TABLE prediction (
    run           TEXT NOT NULL REFERENCES run (id),
    part          INTEGER NOT NULL,
    example       INTEGER NOT NULL REFERENCES example,
    gold          INTEGER NOT NULL,
    predicted     INTEGER NOT NULL,
    confidence    REAL NOT NULL,
    probabilities BLOB NOT NULL, -- 32-bit floats, little-endian
    PRIMARY KEY (run, part, example)
) WITHOUT ROWID;

CREATE TABLE audit (
    id       INTEGER PRIMARY KEY,
    at       TEXT NOT NULL,
    action   TEXT NOT NULL,
    detail   TEXT NOT NULL, -- JSON
    previous TEXT NOT NULL, -- hash of the entry before
    hash     TEXT NOT NULL
);

CREATE TRIGGER example_keep BEFORE UPDATE ON example BEGIN SELECT RAISE(ABORT, 'raw rows never change'); END;
CREATE TRIGGER example_stay BEFORE DELETE ON example BEGIN SELECT RAISE(ABORT, 'raw rows never go'); END;
CREATE TRIGGER content_keep BEFORE UPDATE ON content BEGIN SELECT RAISE(ABORT, 'raw rows never change'); END;
CREATE TRIGGER content_stay BEFORE DELETE ON content BEGIN SELECT RAISE(ABORT, 'raw rows never go'); END;
CREATE TRIGGER annotation_keep BEFORE UPDATE ON annotation BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER annotation_stay BEFORE DELETE ON annotation BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER audit_keep BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER audit_stay BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'append only'); END;
