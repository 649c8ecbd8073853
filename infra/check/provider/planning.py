"""Plans and applies: what is computed is unknown when planned, and made up when applied."""

from __future__ import annotations

from typing import Any

from .values import UNKNOWN

Json = dict[str, Any]


def planned(block: Json, proposed: Json | None, prior: Json | None, default_tags: Json) -> Json | None:
    """The planned state: `proposed`, with unknowns where the provider decides."""
    if proposed is None:
        return None
    state = without_write_only(block, proposed)
    if prior is None:
        state = with_unknowns(block, state)
    if "tags_all" in block.get("attributes", {}):
        state["tags_all"] = all_tags(state.get("tags"), default_tags)
    return state


def with_unknowns(block: Json, state: Json) -> Json:
    """`state` with every computed attribute unknown that nobody has set."""
    filled = dict(state)
    for name, attribute in block.get("attributes", {}).items():
        if attribute.get("computed") and filled.get(name) is None:
            filled[name] = UNKNOWN
    return with_blocks(block, filled, with_unknowns)


def without_write_only(block: Json, state: Json) -> Json:
    """`state` without what must never be in one."""
    cleaned = dict(state)
    for name, attribute in block.get("attributes", {}).items():
        if attribute.get("write_only"):
            cleaned[name] = None
    return with_blocks(block, cleaned, without_write_only)


def with_blocks(block: Json, state: Json, change: Any) -> Json:
    """`state` with `change` made in the blocks of it."""
    for name, nested in block.get("block_types", {}).items():
        value = state.get(name)
        if isinstance(value, list):
            state[name] = [change(nested["block"], of) if isinstance(of, dict) else of for of in value]
        elif isinstance(value, dict):
            state[name] = change(nested["block"], value)
    return state


def all_tags(tags: Any, default_tags: Json) -> Any:
    """A resource's tags and the provider's."""
    if tags is UNKNOWN or default_tags is UNKNOWN:
        return UNKNOWN
    merged = {**default_tags, **(tags or {})}
    # A map with one unknown value is known in part, and Terraform takes it as it is.
    return merged or {}


def applied(block: Json, state: Json, made_up: Json) -> Json:
    """The state with every unknown replaced: by what `made_up` says, else by something of its type."""
    known: Json = {}
    for name, value in state.items():
        attribute = block.get("attributes", {}).get(name)
        if value is UNKNOWN and name in made_up:
            known[name] = made_up[name]
        elif attribute is not None:
            known[name] = filled(attribute["type"], value, name)
        else:
            known[name] = value
    for name, nested in block.get("block_types", {}).items():
        if known.get(name) is UNKNOWN:
            known[name] = []
    return with_blocks(block, known, lambda inner, of: applied(inner, of, {}))


def filled(kind: Any, value: Any, name: str) -> Any:
    """`value`, with something of its type for each unknown in it."""
    if value is UNKNOWN:
        return something(kind, name)
    if isinstance(value, list) and isinstance(kind, list) and kind[0] in ("list", "set"):
        return [filled(kind[1], of, name) for of in value]
    if isinstance(value, dict) and isinstance(kind, list):
        of_key = (lambda key: kind[1][key]) if kind[0] == "object" else (lambda key: kind[1])
        return {key: filled(of_key(key), of, key) for key, of in value.items()}
    return value


def something(kind: Any, name: str) -> Any:
    """Something of a type. Lists are empty, so that whoever counts on one finds out."""
    simple = {"string": f"made-up-{name.replace('_', '-')}", "number": 0, "bool": False}
    if isinstance(kind, str):
        return simple.get(kind)
    if kind[0] == "map":
        return {}
    if kind[0] == "object":
        return {key: something(of, key) for key, of in kind[1].items()}
    return []
