-- Events are named by the trigger and by the statement of a decision, and nobody changes them later: the list of them, read
-- anew for each row, kept nothing out that could come. In a transaction of its own: who reads the audit holds nobody up
-- who applies.
ALTER TABLE loan_application_audit
    DROP CONSTRAINT loan_application_audit_event;
