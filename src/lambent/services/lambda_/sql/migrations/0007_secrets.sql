-- Environment variables go into a column that is sealed; the start that follows seals what is there.
ALTER TABLE versions ADD COLUMN secrets BLOB NOT NULL DEFAULT x'';

CREATE TABLE chores (chore TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;

INSERT INTO chores (chore) VALUES ('seal');
