"""What the description cannot say: an Idempotency-Key that was used is used."""

import uuid

import schemathesis

KEY = "Idempotency-Key"


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.headers and case.headers.get(KEY) and is_meant_to_be_taken(case):
        case.headers[KEY] = str(uuid.uuid4())


def is_meant_to_be_taken(case):
    return case.meta is None or not case.meta.generation.mode.is_negative
