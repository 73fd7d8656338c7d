"""What the pages claim: their commands compose, their links lead somewhere, the README stays short."""

import re
import shlex
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser

from conftest import CONF
from iot_ids.config import register, resolve

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
FOUND = {match[1].strip() for page in PAGES for match in re.finditer(r"python -m train ([^`\n]+)", page.read_text())}
COMMANDS = sorted(words for words in FOUND if not words.startswith("--"))
"""Those of the shipped configuration; commands on a folder of the reader's own run in test_config and test_datasets."""


def first_of(word: str) -> str:
    """A word of a multirun as its first job would have it."""
    (override,) = OverridesParser.create().parse_overrides([word])
    if not override.is_sweep_override():
        return word
    first = next(override.sweep_string_iterator()) if override.is_discrete_sweep() else override._value.start  # type: ignore[union-attr]
    return f"{override.get_key_element()}={first}"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_on_a_page_composes(command: str) -> None:
    words = [word for word in shlex.split(command.split("  #")[0]) if word != "-m"]
    register()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        resolve(compose("train", overrides=[first_of(word) for word in words]))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
        assert target.startswith("https://") or (page.parent / target).exists(), target


def test_the_readme_is_under_200_lines() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) < 200


def test_every_shipped_dataset_has_a_section() -> None:
    text = (ROOT / "docs" / "datasets.md").read_text()
    for file in (CONF / "dataset").glob("*.yaml"):
        assert f"\n## {file.stem}\n" in text


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: str(page.name))
def test_every_test_that_a_page_names_is_there(page: Path) -> None:
    file = ""
    for named, test in re.findall(r"`(tests/[\w/]+\.py)?(?:::(\w+))?(?:\[[^`]*\])?`", page.read_text()):
        file = named or file
        if named or test:
            assert (ROOT / file).is_file(), file
        assert f"def {test}(" in (ROOT / file).read_text() if test else True, f"{file}::{test}"
