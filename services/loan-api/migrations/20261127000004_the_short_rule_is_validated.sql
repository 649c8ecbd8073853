-- In a transaction of its own, so that applications are stored and decided while all rows are looked at.
ALTER TABLE loan_applications VALIDATE CONSTRAINT loan_applications_decision;
