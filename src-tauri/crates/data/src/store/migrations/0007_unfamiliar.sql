-- Whether a text is unlike those that the model learned from, so that a person gets it however sure the answer: 0 or 1,
-- NULL for answers of earlier versions, which did not note it.
ALTER TABLE prediction ADD COLUMN unfamiliar INTEGER;
