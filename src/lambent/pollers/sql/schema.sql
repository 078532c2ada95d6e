-- How far the mappings of streams have come. A mapping begins at its origin, in whichever shard; a shard is read by
-- so many lanes, each by itself. Positions are sequence numbers, "" before the first.
CREATE TABLE origins (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    mapping TEXT NOT NULL,
    origin TEXT NOT NULL,
    PRIMARY KEY (account, region, mapping)
) STRICT, WITHOUT ROWID;

-- All records up to `position` are done with. `window_s` is when the open tumbling window began, NULL for none, and
-- `state` what the function made of it so far, as JSON.
CREATE TABLE checkpoints (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    mapping TEXT NOT NULL,
    shard TEXT NOT NULL,
    lane INTEGER NOT NULL,
    lanes INTEGER NOT NULL,
    position TEXT NOT NULL,
    ended INTEGER NOT NULL DEFAULT 0,
    window_s INTEGER,
    state BLOB NOT NULL DEFAULT x'7b7d',
    PRIMARY KEY (account, region, mapping, shard, lane)
) STRICT, WITHOUT ROWID;
