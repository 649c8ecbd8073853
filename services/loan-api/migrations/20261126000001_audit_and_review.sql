-- A repeated Idempotency-Key is answered with the application, but not while its first request may still be
-- at work on it.
ALTER TABLE loan_applications
    ADD COLUMN answered_by TIMESTAMPTZ NOT NULL DEFAULT now();

-- What the decision was made with: the credit policy in force, in full.
ALTER TABLE loan_applications
    ADD COLUMN policy JSONB;

-- What cannot be decided by trying again is left to people. Such a row rests for ever: its lease ends at
-- 'infinity'. To have it tried again: SET review_reason = NULL, needs_review_since = NULL, lease_until = now().
ALTER TABLE loan_applications
    ADD COLUMN refusals           INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN needs_review_since TIMESTAMPTZ,
    ADD COLUMN review_reason      TEXT,
    ADD CONSTRAINT loan_applications_review
        CHECK ((needs_review_since IS NULL) = (review_reason IS NULL));

-- Every change of what an application is, or of what became of it, whoever made it: a program, or a person
-- with a console. Rows are added and never changed.
CREATE TABLE loan_application_audit (
    audit_id          BIGINT         GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    application_id    VARCHAR(50)    NOT NULL REFERENCES loan_applications,
    at                TIMESTAMPTZ    NOT NULL DEFAULT clock_timestamp(),
    actor             TEXT           NOT NULL DEFAULT session_user,
    program           TEXT           NOT NULL DEFAULT current_setting('application_name'),
    event             TEXT           NOT NULL,
    status            VARCHAR(10)    NOT NULL,
    user_id           VARCHAR(100)   NOT NULL,
    amount            NUMERIC(12, 2) NOT NULL,
    term_months       INTEGER        NOT NULL,
    income            NUMERIC(12, 2) NOT NULL,
    interest_rate     NUMERIC(5, 2),
    rejection_reason  VARCHAR(40),
    score             INTEGER,
    risk_band         VARCHAR(32),
    provider          TEXT,
    scoring_revision  TEXT,
    settings_revision TEXT,
    policy            JSONB,
    review_reason     TEXT,
    trace_id          CHAR(32)       NOT NULL,

    CONSTRAINT loan_application_audit_event
        CHECK (event IN ('DECIDED', 'NEEDS_REVIEW', 'REVIEW_ENDED', 'CORRECTED'))
);

CREATE INDEX loan_application_audit_application ON loan_application_audit (application_id, audit_id);

CREATE FUNCTION loan_application_audit_add() RETURNS TRIGGER
LANGUAGE plpgsql AS $$
DECLARE
    what TEXT := CASE
        WHEN OLD.status = 'RECEIVED' AND NEW.status <> 'RECEIVED' THEN 'DECIDED'
        WHEN OLD.needs_review_since IS NULL AND NEW.needs_review_since IS NOT NULL THEN 'NEEDS_REVIEW'
        WHEN OLD.needs_review_since IS NOT NULL AND NEW.needs_review_since IS NULL THEN 'REVIEW_ENDED'
        ELSE 'CORRECTED'
    END;
BEGIN
    INSERT INTO loan_application_audit (
        application_id, event, status, user_id, amount, term_months, income, interest_rate, rejection_reason,
        score, risk_band, provider, scoring_revision, settings_revision, policy, review_reason, trace_id)
    VALUES (
        NEW.application_id, what, NEW.status, NEW.user_id, NEW.amount,
        NEW.term_months, NEW.income, NEW.interest_rate, NEW.rejection_reason, NEW.score, NEW.risk_band,
        NEW.provider, NEW.scoring_revision, NEW.settings_revision, NEW.policy, NEW.review_reason, NEW.trace_id);
    RETURN NULL;
END
$$;

-- What is only housekeeping (leases, attempts) is not told: it changes nothing about the application.
CREATE TRIGGER loan_applications_audit AFTER UPDATE ON loan_applications
    FOR EACH ROW
    WHEN ((OLD.status, OLD.user_id, OLD.amount, OLD.term_months, OLD.income, OLD.interest_rate,
           OLD.rejection_reason, OLD.score, OLD.risk_band, OLD.provider, OLD.scoring_revision,
           OLD.settings_revision, OLD.policy, OLD.review_reason, OLD.needs_review_since, OLD.client_id,
           OLD.created_at, OLD.decided_at)
          IS DISTINCT FROM
          (NEW.status, NEW.user_id, NEW.amount, NEW.term_months, NEW.income, NEW.interest_rate,
           NEW.rejection_reason, NEW.score, NEW.risk_band, NEW.provider, NEW.scoring_revision,
           NEW.settings_revision, NEW.policy, NEW.review_reason, NEW.needs_review_since, NEW.client_id,
           NEW.created_at, NEW.decided_at))
    EXECUTE FUNCTION loan_application_audit_add();

CREATE FUNCTION loan_application_audit_keep() RETURNS TRIGGER
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'loan_application_audit is append-only: % is refused', TG_OP
        USING HINT = 'Correct the application itself; that adds a row here.';
END
$$;

CREATE TRIGGER loan_application_audit_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON loan_application_audit
    FOR EACH STATEMENT EXECUTE FUNCTION loan_application_audit_keep();
