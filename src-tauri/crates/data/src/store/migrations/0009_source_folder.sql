-- Where a file came from: two of one name are told apart when one of them is brought up to date. NULL for those imported
-- by earlier versions.
ALTER TABLE source ADD COLUMN folder TEXT;
