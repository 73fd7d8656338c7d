"""docs/serving.md lists every model, exported or not, as the code has it."""

import re
from pathlib import Path

from models.test_to_onnx import EXPORTED, REFUSED

PAGE = Path(__file__).parents[2] / "docs" / "serving.md"


def test_every_shipped_model_stands_in_the_table_as_exported_or_refused() -> None:
    table = PAGE.read_text().partition("### What can be exported")[2].partition("## Over HTTP")[0]
    rows = [line.split("|")[1:4] for line in table.splitlines() if line.startswith("| `")]
    said = {name: answer.strip() for names, answer, _ in rows for name in re.findall(r"`(\w+)`", names)}
    assert said == dict.fromkeys(EXPORTED, "yes") | dict.fromkeys(REFUSED, "no")


def test_the_stated_limits_are_those_of_the_code() -> None:
    from iot_ids.models.sklearn import neighbours, to_onnx
    from iot_ids.serving import export, parity

    page = PAGE.read_text()
    assert f"up to {to_onnx.MOST_LEAVES:,} leaves" in page
    assert f"up to {neighbours.MOST_EXPORTED:,} training rows" in page
    assert f"on {parity.HARD_ROWS:,} made-up hard ones" in page.replace("\n", " ")
    assert f"{export.GOLDEN_ROWS} flows with their answers" in page
    assert (parity.TOLERANCE, parity.SCORE_TOLERANCE) == (1e-5, 1e-4)
