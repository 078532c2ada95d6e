-- Whether the key of an upload was deleted since it began: a CompleteMultipartUpload with If-None-Match conflicts then.
ALTER TABLE uploads ADD COLUMN deleted_meanwhile INTEGER NOT NULL DEFAULT 0;
