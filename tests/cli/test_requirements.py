"""The lower bounds of what is required keep out versions with known faults."""

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

FAULTY = [
    ("lightning", "2.6.2"),  # published by somebody else: stole credentials
    ("lightning", "2.6.3"),
    ("skops", "0.11.0"),  # CVE-2025-54412, CVE-2025-54413: types that were not trusted
    ("skops", "0.12.0"),  # CVE-2025-54886: fell back to joblib
    ("filelock", "3.20.2"),  # CVE-2025-68146, CVE-2026-22701: followed a link in the place of a lock's file
]


@pytest.mark.parametrize(("name", "version"), FAULTY)
def test_a_version_with_a_known_fault_is_not_taken(name: str, version: str) -> None:
    project = tomllib.loads((Path(__file__).parent.parents[1] / "pyproject.toml").read_text())["project"]
    (bound,) = [each for each in map(Requirement, project["dependencies"]) if each.name == name]
    assert not bound.specifier.contains(version)
