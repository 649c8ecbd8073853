-- Applications and what became of them. A row is stored as RECEIVED and decided once, never twice.
CREATE TABLE loan_applications (
    application_id    VARCHAR(50)    PRIMARY KEY,
    client_id         TEXT           NOT NULL,
    idempotency_key   VARCHAR(200),
    user_id           VARCHAR(100)   NOT NULL,
    amount            NUMERIC(12, 2) NOT NULL,
    term_months       INTEGER        NOT NULL,
    income            NUMERIC(12, 2) NOT NULL,
    status            VARCHAR(10)    NOT NULL DEFAULT 'RECEIVED',
    created_at        TIMESTAMPTZ    NOT NULL DEFAULT now(),

    -- The decision, and what it rests on.
    interest_rate     NUMERIC(5, 2),
    rejection_reason  VARCHAR(40),
    score             INTEGER,
    risk_band         VARCHAR(32),
    provider          TEXT,
    scoring_revision  TEXT,
    settings_revision TEXT,
    trace_id          CHAR(32)       NOT NULL,
    decided_at        TIMESTAMPTZ,

    -- Nobody else takes an undecided application before this time: it is being worked on, or was
    -- tried and rests before the next attempt.
    lease_until       TIMESTAMPTZ    NOT NULL,
    recovery_attempts INTEGER        NOT NULL DEFAULT 0,

    CONSTRAINT loan_applications_status
        CHECK (status IN ('RECEIVED', 'APPROVED', 'REJECTED')),
    CONSTRAINT loan_applications_rate_when_approved
        CHECK ((interest_rate IS NOT NULL) = (status = 'APPROVED')),
    CONSTRAINT loan_applications_reason_when_rejected
        CHECK ((rejection_reason IS NOT NULL) = (status = 'REJECTED')),
    CONSTRAINT loan_applications_decided_at
        CHECK ((decided_at IS NULL) = (status = 'RECEIVED')),
    CONSTRAINT loan_applications_score_when_decided
        CHECK ((score IS NOT NULL) = (status <> 'RECEIVED')),
    CONSTRAINT loan_applications_idempotency_key
        UNIQUE (client_id, idempotency_key)
);

-- What the recovery worker and the age gauge look at: nearly empty when all is well.
CREATE INDEX loan_applications_undecided ON loan_applications (lease_until)
    WHERE status = 'RECEIVED';
