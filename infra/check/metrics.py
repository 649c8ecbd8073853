"""Alarms about the controller, against the metrics that it writes: one on what nobody writes is silent for ever."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Iterator

from terraform import COMPLETE, HERE, Problem, State

WRITER = HERE.parent.parent / "controller" / "loanctl" / "src" / "controller" / "emf.rs"
NAMESPACE = "LoanPlatform/Controller"
# What every record of the controller's own has, and only that.
DIMENSIONS = {"Store"}

CONSTANT = re.compile(r'^const \w+: &str = "([^"]+)";', re.M)
# Nothing else is written in this way in the source: sentences have blanks, and dimensions are constants.
METRIC = re.compile(r'"((?:[A-Z][a-z]+)+)"')


def problems(state: State) -> list[str]:
    """Metrics of the controller that alarms read and the controller does not write."""
    metrics = written()
    found = []
    read = list(alarmed(state))
    if state.name == COMPLETE and not read:
        found.append(f"no alarm reads a metric of {NAMESPACE}; mend infra/check/metrics.py")
    for address, metric, dimensions in read:
        if metric not in metrics:
            known = ", ".join(sorted(metrics))
            found.append(f"{address}: {NAMESPACE} has no metric {metric}: {WRITER.name} writes {known}")
        if set(dimensions) != DIMENSIONS:
            theirs = ", ".join(sorted(dimensions)) or "none"
            found.append(f"{address}: {metric} has the dimension {', '.join(DIMENSIONS)}, and the alarm reads {theirs}")
    return found


def alarmed(state: State) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every metric of the controller that an alarm reads, by itself or in an expression, with its dimensions."""
    for alarm in state.of_kind("aws_cloudwatch_metric_alarm"):
        queries = alarm.values.get("metric_query") or []
        for read in [alarm.values, *(metric for query in queries for metric in query["metric"])]:
            if read.get("namespace") == NAMESPACE:
                yield alarm.address, read["metric_name"], read.get("dimensions") or {}


@cache
def written() -> frozenset[str]:
    """Names of the metrics that the controller writes."""
    return metrics_in(WRITER.read_text())


def metrics_in(source: str) -> frozenset[str]:
    """Names of metrics in the source that writes them, without its tests."""
    own = source.split("#[cfg(test)]\nmod tests")[0]
    constants = set(CONSTANT.findall(own))
    missing = {NAMESPACE, *DIMENSIONS} - constants
    if missing:
        gone = ", ".join(sorted(missing))
        raise Problem(f"{WRITER.name} has no constant {gone} any more; mend infra/check/metrics.py")
    own = re.sub(r"^\s*//.*$", "", CONSTANT.sub("", own), flags=re.M)
    found = frozenset(METRIC.findall(own))
    if not found:
        raise Problem(f"{WRITER.name} names no metrics any more; mend infra/check/metrics.py")
    return found
