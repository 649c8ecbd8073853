"""checkov on the module's files. What it finds is mended, or skipped beside the resource with a reason."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from terraform import Problem

CHECKOV = "CHECKOV"


def problems(module: Path) -> list[str]:
    """What it finds."""
    program = os.environ.get(CHECKOV, "checkov")
    command = [
        program,
        "--directory",
        str(module),
        "--framework",
        "terraform",
        "--skip-download",
        "--quiet",
        "--compact",
    ]
    done = subprocess.run([*command, "--output", "json", "--soft-fail"], capture_output=True, text=True)
    try:
        report: Any = json.loads(done.stdout)
    except json.JSONDecodeError as error:
        raise Problem(f"{program} did not answer in JSON:\n{done.stdout[-2000:]}{done.stderr[-2000:]}") from error
    if "results" not in report:
        raise Problem(f"{program} found nothing to look at in {module}")
    results = report["results"]
    broken = [f"{path}: checkov cannot read it" for path in results.get("parsing_errors", [])]
    return broken + sorted({words(of) for of in results["failed_checks"]})


def words(finding: dict[str, Any]) -> str:
    """A finding in a line."""
    first = finding["file_line_range"][0]
    place = f"{finding['file_path'].lstrip('/')}:{first}"
    return f"{place}: {finding['resource']}: {finding['check_name']} ({finding['check_id']})"
