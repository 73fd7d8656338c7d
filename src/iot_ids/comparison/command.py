"""One comparison: read, judge, show, write, keep."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from iot_ids import track
from iot_ids.comparison import cells, paper_table, shown, table
from iot_ids.comparison.forest import forest
from iot_ids.comparison.gathering import Gathered, gather
from iot_ids.comparison.latex import latex
from iot_ids.comparison.methods import latex_paragraph, paragraph
from iot_ids.comparison.rows import rows
from iot_ids.comparison.scores import Row
from iot_ids.comparison.spec import Compare
from iot_ids.errors import UserError
from iot_ids.track import Store

FILES = ("table.md", "table.csv", "table.tex", "forest.png", "methods.txt", "methods.tex")


def compare(settings: Compare) -> None:
    """Compare the runs that `settings` choose; print the table, write its files, keep it in MLflow.

    Raises:
        UserError: there is nothing to compare, or what there is does not belong in one table.
    """
    stores = track.existing_stores(settings.tracking)
    console = shown.terminal()
    with tempfile.TemporaryDirectory() as aside:
        if settings.run is not None:
            _one_run(stores, settings.run, settings.folder, Path(aside), console)
            return
        store, gathered = gather(stores, settings, Path(aside))
    judged = rows(gathered, settings.replicates, settings.seed)
    shown.show(gathered, judged, console)
    folder = Path(settings.folder or _folder(gathered))
    with _writing(folder, console):
        write(gathered, judged, folder)
    if settings.log:
        kept = keep(store, gathered, settings, folder)
        console.print(f"run {kept}\n{store.ui_command()}", highlight=False, markup=False, soft_wrap=True)


def write(gathered: Gathered, judged: list[Row], folder: Path) -> None:
    """Write the six files; each appears whole or not at all."""
    cells.write_text(folder / "table.md", table.markdown(gathered, judged))
    cells.write_text(folder / "table.csv", table.csv(gathered, judged).write_csv())
    cells.write_text(folder / "table.tex", latex(gathered, judged))
    cells.write_text(folder / "methods.txt", paragraph(gathered, judged))
    cells.write_text(folder / "methods.tex", latex_paragraph(gathered, judged))
    forest(gathered, judged, folder / "forest.png")


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


def _one_run(stores: dict[str, Store], beginning: str, folder: str | None, aside: Path, console: Console) -> None:
    """The paper's table and chart of one run, printed and written."""
    store, run = paper_table.find(stores, beginning)
    report = paper_table.read(store, run, aside)
    place = Path(folder or Path("comparison") / f"run-{run.id[:8]}")
    console.print(paper_table.markdown(paper_table.averaged(report), run), highlight=False, markup=False)
    with _writing(place, console):
        paper_table.write(report, run, place)


@contextmanager
def _writing(folder: Path, console: Console) -> Iterator[None]:
    """Say where the files are; a folder that cannot be written is the user's to mend."""
    try:
        yield
    except OSError as error:
        raise UserError(f"folder={folder}: cannot be written: {error}; name another: folder=PATH") from error
    console.print(f"written to {folder}", highlight=False, markup=False, soft_wrap=True)
