"""How a check says that something is not as it should be."""


class Wrong(Exception):
    """Something is not as it should be; the message says what was found."""


def expect(condition, found):
    """Ends the check with what was found, unless the condition holds."""
    if not condition:
        raise Wrong(found)
