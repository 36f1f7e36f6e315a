-- Texts that share most of their wording: which cluster a row is in, where it is in one. Found again when rows are added;
-- the setting `near_duplicates` says up to which row.

CREATE TABLE near_cluster (
    example INTEGER PRIMARY KEY REFERENCES example,
    cluster INTEGER NOT NULL -- the id of its first row
);
CREATE INDEX near_cluster_rows ON near_cluster (cluster);
