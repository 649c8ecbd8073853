-- Every decision is written to the audit, so what it costs is paid with each. A foreign key looked the application up
-- once more, although the trigger that adds the row has just changed it; and two indexes did the work of one.
-- What the foreign key kept from happening is kept by a trigger that costs nothing until somebody tries.
ALTER TABLE loan_application_audit
    DROP CONSTRAINT loan_application_audit_application_id_fkey,
    DROP CONSTRAINT loan_application_audit_pkey;
DROP INDEX loan_application_audit_application;
ALTER TABLE loan_application_audit
    ADD PRIMARY KEY (application_id, audit_id);

CREATE FUNCTION loan_applications_keep() RETURNS TRIGGER
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        RAISE EXCEPTION 'applications that the audit tells of are kept: % is refused', TG_OP;
    ELSIF EXISTS (SELECT FROM loan_application_audit WHERE application_id = OLD.application_id) THEN
        RAISE EXCEPTION 'applications that the audit tells of are kept: % is refused', TG_OP;
    ELSIF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER loan_applications_keep
    BEFORE DELETE OR UPDATE OF application_id ON loan_applications
    FOR EACH ROW EXECUTE FUNCTION loan_applications_keep();

CREATE TRIGGER loan_applications_keep_all
    BEFORE TRUNCATE ON loan_applications
    FOR EACH STATEMENT EXECUTE FUNCTION loan_applications_keep();
