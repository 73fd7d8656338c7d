"""One comparison: read, judge, show, write, keep."""

import os
import re
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from iot_ids import track
from iot_ids.comparison import shown, table
from iot_ids.comparison.forest import forest
from iot_ids.comparison.gathering import Gathered, gather
from iot_ids.comparison.latex import latex
from iot_ids.comparison.methods import latex_paragraph, paragraph
from iot_ids.comparison.rows import Row, rows
from iot_ids.comparison.spec import Compare
from iot_ids.errors import UserError
from iot_ids.track import Store


def compare(settings: Compare) -> list[Row]:
    """Compare the runs that `settings` choose; print the table, write its files, keep it in MLflow; return its rows.

    Raises:
        UserError: there is nothing to compare, or what there is does not belong in one table.
    """
    with tempfile.TemporaryDirectory() as aside:
        store, gathered = gather(track.existing_stores(settings.tracking), settings, Path(aside))
    judged = rows(gathered, settings.replicates, settings.seed)
    console = shown.terminal()
    shown.show(gathered, judged, console)
    folder = Path(settings.folder or _folder(gathered))
    try:
        write(gathered, judged, folder)
    except OSError as error:
        raise UserError(f"folder={folder}: cannot be written: {error}; name another: folder=PATH") from error
    console.print(f"written to {folder}", highlight=False, markup=False, soft_wrap=True)
    if settings.log:
        kept = keep(store, gathered, settings, folder)
        console.print(f"run {kept}\n{store.ui_command()}", highlight=False, markup=False, soft_wrap=True)
    return judged


def write(gathered: Gathered, judged: list[Row], folder: Path) -> None:
    """Write the six files; each appears whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (
        ("table.md", table.markdown),
        ("table.csv", lambda *given: table.csv(*given).write_csv()),
        ("table.tex", latex),
        ("methods.txt", paragraph),
        ("methods.tex", latex_paragraph),
    ):
        _write(folder / name, text, gathered, judged)
    forest(gathered, judged, folder / "forest.png")


FILES = ("table.md", "table.csv", "table.tex", "forest.png", "methods.txt", "methods.tex")


def keep(store: Store, gathered: Gathered, settings: Compare, folder: Path) -> str:
    """Log the six files as a run named `comparison`, whose tag `kind` keeps it out of comparisons; return its id."""
    tags = {name: gathered.first.tags.get(name, "unknown") for name in ("data.origin", "data.sha256", "protocol")}
    compared = [record.run.id for method in gathered.methods for record in method.records]
    parameters = track.flat({**asdict(settings), "runs": compared})
    with track.start(store, "comparison", parameters, {"kind": "comparison", **tags}) as run:
        for name in FILES:
            run.artifact(folder / name)
    return run.id


def _folder(gathered: Gathered) -> Path:
    parameters = gathered.first.parameters
    name = f"{parameters['dataset.name']}-{parameters['dataset.label']}"
    return Path("comparison") / re.sub(r"[^\w.-]", "_", name)


def _write(path: Path, text: Callable[[Gathered, list[Row]], str], gathered: Gathered, judged: list[Row]) -> None:
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        aside.write_text(text(gathered, judged), encoding="utf-8")
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
