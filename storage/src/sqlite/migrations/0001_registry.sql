-- Accounts, sessions, consents and the session log of one organisation.
-- Times are milliseconds since 1970-01-01T00:00:00Z, ids are UUIDs, digests are SHA-256 or HMAC.

CREATE TABLE accounts (
    id              BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    email           TEXT    NOT NULL UNIQUE,
    name            TEXT    NOT NULL,
    role            TEXT    NOT NULL,
    password        TEXT,
    disabled        INTEGER NOT NULL,
    failed_logins   INTEGER NOT NULL,
    locked_until    INTEGER,
    auth_epoch      INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    last_login_at   INTEGER
) STRICT;

CREATE TABLE logins (
    token           BLOB    NOT NULL PRIMARY KEY CHECK (length(token) = 32),
    technician      BLOB    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    auth_epoch      INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    last_seen_at    INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL
) STRICT;
CREATE INDEX logins_by_technician ON logins (technician);

CREATE TABLE settings (
    name            TEXT    NOT NULL PRIMARY KEY,
    value           TEXT    NOT NULL
) STRICT;

-- At most one row: the one-time token of the set-up link.
CREATE TABLE setup_token (
    one             INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    token           BLOB    NOT NULL CHECK (length(token) = 32),
    expires_at      INTEGER NOT NULL
) STRICT;

CREATE TABLE server_secrets (
    name            TEXT    NOT NULL PRIMARY KEY,
    secret          BLOB    NOT NULL CHECK (length(secret) = 32)
) STRICT;

CREATE TABLE counters (
    name            TEXT    NOT NULL PRIMARY KEY,
    value           INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions (
    id              BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    revision        INTEGER NOT NULL,
    state           TEXT    NOT NULL,
    state_since     INTEGER NOT NULL,
    trouble         TEXT,
    reference       TEXT,
    customer_name   TEXT,
    customer_device TEXT,
    capabilities    TEXT    NOT NULL,   -- JSON
    presence        TEXT    NOT NULL,   -- JSON
    created_by      BLOB    NOT NULL CHECK (length(created_by) = 16),
    created_by_name TEXT    NOT NULL,
    lead            BLOB CHECK (length(lead) = 16),
    lead_name       TEXT,
    people          TEXT    NOT NULL,   -- JSON
    created_at      INTEGER NOT NULL,
    started_at      INTEGER,
    ended_at        INTEGER,
    ended_by        TEXT,
    close_reason    TEXT,
    conference      BLOB CHECK (length(conference) = 16),
    search          TEXT    NOT NULL    -- what a text query looks into, in lower case
) STRICT;
CREATE INDEX sessions_open ON sessions (id) WHERE ended_at IS NULL;
CREATE INDEX sessions_by_maker ON sessions (created_by);
CREATE INDEX sessions_by_lead ON sessions (lead);
CREATE INDEX sessions_by_conference ON sessions (conference) WHERE conference IS NOT NULL;

CREATE TABLE invitations (
    id              BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    session         BLOB    NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    pin             BLOB    NOT NULL CHECK (length(pin) = 32),
    holds_pin       INTEGER NOT NULL,
    lookup          BLOB    NOT NULL UNIQUE CHECK (length(lookup) = 32),
    auth            BLOB    NOT NULL CHECK (length(auth) = 32),
    created_at      INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,
    state           TEXT    NOT NULL
) STRICT;
-- A PIN has one owner, a session one live invitation.
CREATE UNIQUE INDEX invitations_pin_owner ON invitations (pin) WHERE holds_pin = 1;
CREATE UNIQUE INDEX invitations_live ON invitations (session) WHERE state = 'live';
CREATE INDEX invitations_by_session ON invitations (session);
CREATE INDEX invitations_holding ON invitations (expires_at) WHERE holds_pin = 1;

CREATE TABLE customers (
    credential      BLOB    NOT NULL PRIMARY KEY CHECK (length(credential) = 32),
    session         BLOB    NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    invitation      BLOB    NOT NULL UNIQUE REFERENCES invitations (id) ON DELETE CASCADE,
    device          TEXT,
    locale          TEXT,
    redeemed_at     INTEGER NOT NULL,
    state           TEXT    NOT NULL,
    put_out_at      INTEGER
) STRICT;
CREATE UNIQUE INDEX customers_active ON customers (session) WHERE state = 'active';

CREATE TABLE consents (
    id              BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    session         BLOB    NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    invitation      BLOB    NOT NULL REFERENCES invitations (id) ON DELETE CASCADE,
    capabilities    TEXT    NOT NULL,   -- JSON
    text_version    INTEGER NOT NULL,
    text_sha256     BLOB    NOT NULL CHECK (length(text_sha256) = 32),
    locale          TEXT    NOT NULL,
    shown_name      TEXT    NOT NULL,
    channel         TEXT    NOT NULL,
    given_at        INTEGER NOT NULL
) STRICT;
CREATE INDEX consents_by_session ON consents (session);
CREATE INDEX consents_by_invitation ON consents (invitation);

-- Append-only. `position` is the order of commits; `body` may be encrypted by a later release.
CREATE TABLE events (
    position        INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id              BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
    session         BLOB    NOT NULL CHECK (length(session) = 16),
    source          TEXT    NOT NULL,
    epoch           INTEGER NOT NULL,
    seq             INTEGER NOT NULL,
    schema_version  INTEGER NOT NULL,
    at              INTEGER NOT NULL,
    origin          TEXT    NOT NULL,
    kind            TEXT    NOT NULL,
    technician      BLOB CHECK (length(technician) = 16),
    actor           TEXT,
    body            BLOB    NOT NULL,
    UNIQUE (session, source, epoch, seq)
) STRICT;
CREATE INDEX events_by_session ON events (session, position);
CREATE INDEX events_by_kind ON events (session, kind, position);

CREATE TABLE api_keys (
    id              BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    owner           TEXT    NOT NULL,
    name            TEXT    NOT NULL,
    secret          BLOB    NOT NULL CHECK (length(secret) = 32),
    scopes          TEXT    NOT NULL,   -- JSON
    allowed_origins TEXT    NOT NULL,   -- JSON
    created_at      INTEGER NOT NULL,
    expires_at      INTEGER,
    revoked_at      INTEGER,
    last_used_at    INTEGER
) STRICT;
