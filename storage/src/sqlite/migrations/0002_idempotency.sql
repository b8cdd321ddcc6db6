-- What was answered to requests with an Idempotency-Key. Without a status: claimed, still running.

CREATE TABLE idempotency_keys (
    owner           TEXT    NOT NULL,
    key             TEXT    NOT NULL,
    fingerprint     BLOB    NOT NULL CHECK (length(fingerprint) = 32),
    until           INTEGER NOT NULL,
    status          INTEGER,
    body            TEXT,
    PRIMARY KEY (owner, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_by_end ON idempotency_keys (until);
