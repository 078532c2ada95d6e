-- Blobs are encrypted: small ones whole, of those outside the key. `data` is what was kept before.
ALTER TABLE blobs ADD COLUMN sealed_data BLOB;
ALTER TABLE blobs ADD COLUMN sealed_key BLOB;
