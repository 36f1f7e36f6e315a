-- Texts can be changed: by rules that are recorded as cleaning steps, and by hand. The raw text stays; what a text is now,
-- where it is another, lies in `changed_text`. Rows may have a date.

ALTER TABLE example ADD COLUMN date TEXT; -- the cell as it stands in the file

-- The log of texts corrected by hand; NULL = as imported again.
CREATE TABLE edit (
    id      INTEGER PRIMARY KEY,
    example INTEGER NOT NULL REFERENCES example,
    text    TEXT,
    who     TEXT NOT NULL,
    at      TEXT NOT NULL
);
CREATE INDEX edit_example ON edit (example);
CREATE TRIGGER edit_keep BEFORE UPDATE ON edit BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER edit_stay BEFORE DELETE ON edit BEGIN SELECT RAISE(ABORT, 'append only'); END;

-- What the rules in force make of the raw text or of its last correction, for the rows where that is another text.
-- Can be computed again from what is kept elsewhere.
CREATE TABLE changed_text (
    example INTEGER PRIMARY KEY REFERENCES example,
    head    TEXT, -- as in `content`
    text    TEXT NOT NULL
);
CREATE VIEW present_text AS
    SELECT content.example,
           CASE WHEN changed_text.example IS NULL THEN coalesce(content.head, content.text)
                ELSE coalesce(changed_text.head, changed_text.text) END AS head,
           coalesce(changed_text.text, content.text) AS text
    FROM content LEFT JOIN changed_text ON changed_text.example = content.example;

-- A rule has settings of its own: it is kept as JSON.
ALTER TABLE cleaning_step RENAME COLUMN kind TO rule;
ALTER TABLE cleaning_step RENAME COLUMN rows_hidden TO rows; -- hidden, or whose text was changed
UPDATE cleaning_step SET rule = '{"kind":"' || rule || '"}';

-- Length and hash of the present text; those in `example` are of the raw one.
ALTER TABLE state ADD COLUMN length INTEGER NOT NULL DEFAULT 0;
ALTER TABLE state ADD COLUMN text_hash BLOB NOT NULL DEFAULT x'';
UPDATE state SET length = example.length, text_hash = example.text_hash FROM example WHERE example.id = state.example;
DROP INDEX example_text_hash;
CREATE INDEX state_text_hash ON state (text_hash);
CREATE INDEX state_length ON state (hidden_by, length);

-- By what a split was made, as JSON; entries of the label log that are undone together, by the first one's id.
ALTER TABLE split ADD COLUMN way TEXT NOT NULL DEFAULT '{"way":"random"}';
ALTER TABLE split ADD COLUMN draw INTEGER; -- the first version of the same draw: other folds, or with more rows; NULL = itself
ALTER TABLE annotation ADD COLUMN batch INTEGER REFERENCES annotation;
CREATE INDEX annotation_batch ON annotation (batch) WHERE batch IS NOT NULL;

-- Words of the present texts, for searching; without positions and without the texts themselves.
CREATE VIRTUAL TABLE text_index USING fts5 (
    text, content = '', contentless_delete = 1, detail = none, prefix = '1 2 3', tokenize = 'unicode61 remove_diacritics 2'
);

-- What else is needed to read a row of a file as it was read: what stands between labels, and the part of all its rows.
ALTER TABLE source ADD COLUMN label_separator TEXT;
ALTER TABLE source ADD COLUMN part INTEGER;
-- A row that was put aside and then mended by hand is the example that came of it.
ALTER TABLE problem_row ADD COLUMN mended INTEGER REFERENCES example;
-- A row that was put aside of an earlier version of a file, which has been brought up to date since.
ALTER TABLE problem_row ADD COLUMN superseded_by INTEGER REFERENCES source;
