-- How far a consumer of the journal has come; in its own database, changed together with what it made of the records.

-- name: positions
SELECT segment, next_byte FROM journal_position;

-- name: set_position
INSERT INTO journal_position (segment, next_byte)
VALUES (:segment, :next_byte)
ON CONFLICT (segment) DO UPDATE SET next_byte = excluded.next_byte;

-- name: delete_position
DELETE FROM journal_position WHERE segment = :segment;
