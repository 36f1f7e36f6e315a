-- The label room: what a label means, how a label came about, what people noted about texts, and several people.

ALTER TABLE label ADD COLUMN description TEXT NOT NULL DEFAULT '';
ALTER TABLE label ADD COLUMN examples TEXT NOT NULL DEFAULT '';         -- texts that it fits, in the expert's words
ALTER TABLE label ADD COLUMN counter_examples TEXT NOT NULL DEFAULT ''; -- texts that it seems to fit but does not
ALTER TABLE label ADD COLUMN group_name TEXT NOT NULL DEFAULT '';
ALTER TABLE label ADD COLUMN position INTEGER; -- NULL = after those that have one, by id
ALTER TABLE label ADD COLUMN retired INTEGER NOT NULL DEFAULT 0; -- no longer given; rows that carry it keep it

-- What the helper suggested on screen when a label was given, and how long the text stood there.
ALTER TABLE annotation ADD COLUMN suggestion INTEGER REFERENCES label_set;
ALTER TABLE annotation ADD COLUMN seconds REAL;
-- Whether it is its author's own answer; a decision between others, a merge of labels and what others sent in are not.
ALTER TABLE annotation ADD COLUMN own INTEGER NOT NULL DEFAULT 1;

-- The log of what people noted about texts: unsure, flag, comment. NULL = taken back.
CREATE TABLE mark (
    id      INTEGER PRIMARY KEY,
    example INTEGER NOT NULL REFERENCES example,
    kind    TEXT NOT NULL CHECK (kind IN ('unsure', 'flag', 'comment')),
    value   TEXT,
    who     TEXT NOT NULL,
    at      TEXT NOT NULL
);
CREATE INDEX mark_example ON mark (example, kind);
CREATE TRIGGER mark_keep BEFORE UPDATE ON mark BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER mark_stay BEFORE DELETE ON mark BEGIN SELECT RAISE(ABORT, 'append only'); END;
-- What holds of it now: a cache, written in the same transaction.
CREATE TABLE marked (
    example INTEGER NOT NULL REFERENCES example,
    kind    TEXT NOT NULL,
    value   TEXT NOT NULL,
    PRIMARY KEY (kind, example)
) WITHOUT ROWID;

-- The last answer of each person about each text: a cache of `annotation`, and what others sent in.
CREATE TABLE vote (
    example   INTEGER NOT NULL REFERENCES example,
    who       TEXT NOT NULL,
    label_set INTEGER NOT NULL REFERENCES label_set,
    at        TEXT NOT NULL, -- when it was given, by the giver's clock
    arrived   TEXT NOT NULL, -- when it came here
    PRIMARY KEY (example, who)
) WITHOUT ROWID;
CREATE INDEX vote_who ON vote (who);
INSERT INTO vote
    SELECT example, who, label_set, at, at FROM annotation AS a
    WHERE kind <> 'import' AND label_set IS NOT NULL
      AND id = (SELECT max(id) FROM annotation AS b WHERE b.example = a.example AND b.who = a.who);

-- What was decided where people disagreed; their own answers stay as they were.
CREATE TABLE decision (
    annotation INTEGER PRIMARY KEY REFERENCES annotation, -- the entry by which the text got its label
    example    INTEGER NOT NULL REFERENCES example,
    at         TEXT NOT NULL
);
CREATE INDEX decision_example ON decision (example);
CREATE TRIGGER decision_keep BEFORE UPDATE ON decision BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER decision_stay BEFORE DELETE ON decision BEGIN SELECT RAISE(ABORT, 'append only'); END;
