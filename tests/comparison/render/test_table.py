"""The written forms: what a cell says, what a program reads, what LaTeX would choke on, what a terminal can show."""

import io
import re

import polars as pl
import pytest
from markdown_it import MarkdownIt
from rich.console import Console

from comparison.made_up import CLASSES, answered, kept, on_one_test_file, on_random_splits
from iot_ids.comparison.loading import Record, RunTable, group
from iot_ids.comparison.method_scores import Row
from iot_ids.comparison.render import cells, table
from iot_ids.comparison.render import console as shown
from iot_ids.comparison.render.latex import escaped, latex
from iot_ids.comparison.render.methods_text import latex_paragraph, paragraph
from iot_ids.comparison.reports.table import rows

LONG = "my_very_own_network_with_a_long_name"
MODELS = ["gru", "lstm", "rnn", "mlp", "svm", "knn", "naive_bayes", "decision_tree", "random_forest"]
MORE = ["gradient_boosting", "isolation_forest", "balanced_random_forest", "balanced_gradient_boosting", LONG]
FOURTEEN = {name: 0.95 - 0.05 * at for at, name in enumerate([*MODELS, *MORE])}


def both(gathered: RunTable) -> tuple[RunTable, list[Row]]:
    return gathered, rows(gathered, 50, 0)


@pytest.fixture(scope="module")
def small() -> tuple[RunTable, list[Row]]:
    return both(on_random_splits({"gru": 0.9, "knn": 0.7}, range(3)))


def printed(gathered: RunTable, judged: list[Row]) -> str:
    page = io.StringIO()
    shown.show(gathered, judged, Console(file=page, width=shown.WIDTH))
    return page.getvalue()


@pytest.mark.parametrize("rows_of_classes", [(60, 300, 40), (60_000, 3_000_000, 40)])
def test_the_terminal_table_fits_a_hundred_columns_with_every_number_whole(
    rows_of_classes: tuple[int, int, int],
) -> None:
    gathered, judged = both(_fourteen(rows_of_classes))
    page = printed(gathered, judged)
    assert max(map(len, page.splitlines())) <= 100
    assert "…" not in page
    for row in judged:
        for name in ("f1_macro", "accuracy", "balanced_accuracy", "detection_rate", "false_positive_rate"):
            assert f"{100 * row.scores[name].mean:.2f}" in page
    assert "those of 11 to 15 are in table.csv" in page


def _fourteen(counts: tuple[int, int, int]) -> RunTable:
    them = [
        Record(kept(model, 0, matrix=answered(share, at, counts)), answered(share, at, counts))
        for at, (model, share) in enumerate(FOURTEEN.items())
    ]
    return group(them, CLASSES, None)


def test_a_class_with_brackets_is_no_style() -> None:
    gathered = on_random_splits({"gru": 0.9}, [0])
    odd = RunTable(gathered.methods, ["Normal", "[red]", "Scan"], "Normal")
    assert "[red]" in printed(odd, rows(odd, 5, 0))


def test_csv_holds_every_measure_with_its_ends(small: tuple[RunTable, list[Row]]) -> None:
    _, judged = small
    read = pl.read_csv(io.StringIO(table.csv(*small).write_csv()))
    assert read["method"].to_list() == [row.name for row in judged]
    assert {"f1_macro_low", "mcc_high", "recall/Scan_low", "rows/Scan", "p_holm", "difference_low"} <= set(read.columns)
    first = read.row(0, named=True)
    assert first["f1_macro"] == pytest.approx(judged[0].scores["f1_macro"].mean)
    assert first["rows/Scan"] == 40
    assert read.filter(pl.col("constant"))["accuracy_low"].to_list() == [None]
    assert "origin" not in read.columns


def test_rows_seen_in_train_show_everywhere() -> None:
    gathered = on_random_splits({"gru": 0.9, "knn": 0.7}, range(2))
    for record in gathered.methods[0].records:
        record.run.metrics["audit/test_rows_seen_in_train"] = 300.0 + 40 * record.seed  # type: ignore[index]
    given = both(gathered)
    read = pl.read_csv(io.StringIO(table.csv(*given).write_csv())).filter(pl.col("method") == "gru, all")
    assert (read["seen_rows"].item(), read["seen_share"].item()) == (320, 0.8)
    assert "test rows seen in train" in table.markdown(*given)
    for text in (table.markdown(*given), printed(*given), latex(*given)):
        assert "80.0" in text
        assert "up to 80.0 (gru, all)" in " ".join(text.split())


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, "-"), (0.0001, "<0.001"), (0.0213, "0.021"), (1.5, "1.5"), (12.34, "12.3"), (1234, "1,234")],
)
def test_seconds_are_short(value: float | None, said: str) -> None:
    assert cells.seconds(value) == said


def test_generated_rows_say_simulated_everywhere() -> None:
    given = both(on_random_splits({"gru": 0.9}, range(2), tags={"data.origin": "generated"}))
    assert table.markdown(*given).startswith("# SIMULATED: ")
    assert table.csv(*given).columns[0] == "origin"
    for text in (printed(*given), latex(*given), paragraph(*given)):
        assert "SIMULATED" in text


def test_markdown_has_as_many_cells_in_every_row(small: tuple[RunTable, list[Row]]) -> None:
    for part in re.findall(r"(?:^\|.*\|\n)+", table.markdown(*small), re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in part.splitlines()}) == 1


def test_latex_has_as_many_cells_in_every_row_and_closes_what_it_opens(small: tuple[RunTable, list[Row]]) -> None:
    text = latex(*small)
    for columns, body in re.findall(r"\\begin{tabular}{(\w+)}(.*?)\\end{tabular}", text, re.DOTALL):
        lines = [line for line in body.splitlines() if line.endswith("\\\\")]
        assert len(lines) == 1 + len(small[1])
        assert {len(re.findall(r"(?<!\\)&", line)) + 1 for line in lines} == {len(columns)}
    bare = re.sub(r"\\[{}]", "", text)
    assert bare.count("{") == bare.count("}")
    assert text.count("\\begin") == text.count("\\end") == 2 * 4  # three tables of scores, one of recalls
    assert all(len(columns) <= 6 for columns in re.findall(r"\\begin{tabular}{(\w+)}", text))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("class_weight=None", r"class\_weight=None"),
        ("100 % & more", r"100 \% \& more"),
        ("#1 $x$ {y} ~z^2", r"\#1 \$x\$ \{y\} \textasciitilde{}z\textasciicircum{}2"),
        ("a\\b", r"a\textbackslash{}b"),
        ("99.97†", r"99.97\textdagger{}"),
        ("`x` |<>| a--b", r"\textasciigrave{}x\textasciigrave{} \textbar{}\textless{}\textgreater{}\textbar{} a-{}-b"),
        ("*a*", "{*}a*"),
        ("a\r\nb\tc\u2028d", "a b c d"),
        ("[1, 2]", "{[}1, 2{]}"),
        ("-0.5 [-1.2, +0.2] p-1 20-30 -", "$-$0.5 {[}$-$1.2, +0.2{]} p-1 20-30 -"),
    ],
)
def test_latex_escapes(text: str, said: str) -> None:
    assert escaped(text) == said


def test_claims_are_marked_and_their_flaws_told(small: tuple[RunTable, list[Row]]) -> None:
    page = printed(*small)
    assert "99.73†" in page
    assert "no traceable source" in " ".join(page.split())
    others = both(on_random_splits({"gradient_boosting": 0.9}, [0]))
    assert "Quoted" not in printed(*others)


def test_a_table_without_a_normal_class_has_no_rates() -> None:
    them = [
        Record(kept(seed=seed, matrix=answered(0.9, seed), parameters={"dataset.labels.category.normal": "None"}), m)
        for seed in range(2)
        for m in [answered(0.9, seed)]
    ]
    given = both(group(them, CLASSES, None))
    assert "found" not in printed(*given).splitlines()[2]
    assert "detection rate" not in table.markdown(*given)


@pytest.mark.parametrize("seeds", [1, 3, 10])
def test_the_notes_say_which_interval_and_which_test(seeds: int) -> None:
    random, official = (
        " ".join(printed(*both(made({"gru": 0.9, "knn": 0.7}, range(seeds)))).split())
        for made in (on_random_splits, on_one_test_file)
    )
    assert ("Nadeau and Bengio" in random, "bootstrap over" in official) == (True, True)
    for page, test in ((random, "corrected resampled t-test"), (official, "paired bootstrap")):
        assert (test in page) == (seeds == 10)
        assert ("No stars: with fewer than 10 common seeds" in page) == (seeds < 10)


def test_the_methods_paragraph_says_rows_split_duplicates_seeds_and_tuning(small: tuple[RunTable, list[Row]]) -> None:
    text = paragraph(*small)
    for words in (
        "Normal 60, Flood 300, Scan 40",
        "1,280 training, 320 validation and 400 test rows",
        "the first was kept",
        "with 3 seeds",
        "tuned by a recorded sweep",
        "Nadeau and Bengio 2003",
        "no significance test",
        "an accuracy of 75.00 %",
    ):
        assert words in text, words
    assert r"75.00 \%" in latex_paragraph(*small)


HOSTILE = '\\ {x} $y$ & #1 ^ _z_ ~~s~~ 50 % | `c` <b>b</b> [l](http://a) [l]: a &lt; **w** ![i](j) "q" end'


@pytest.mark.parametrize(
    "name",
    [
        HOSTILE,
        f"- {HOSTILE}",
        f"+ {HOSTILE}",
        f"1. {HOSTILE}",
        f"# {HOSTILE}",
        f"> {HOSTILE}",
        f"[l]: http://a {HOSTILE}",
    ],
)
def test_markdown_shows_a_hostile_name_as_it_was_written(name: str) -> None:
    page = cells.plain(name) + "\n\n" + cells.grid([name, "n"], [[name, "1"]])
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(page)
    shown = [token.children for token in tokens if token.type == "inline"]
    assert ["".join(part.content for part in parts or []) for parts in shown] == [name, name, "n", name, "1"]
    assert {part.type for parts in shown for part in parts or []} <= {"text", "text_special"}


def test_a_name_with_line_breaks_stays_in_its_cell() -> None:
    assert cells.grid(["a"], [["b\n\nc\r\u2028| d"]]).splitlines()[-1] == r"| b c \| d |"


def test_hostile_names_leave_latex_its_cells_and_its_braces() -> None:
    given = both(on_random_splits({HOSTILE: 0.9, f"*{HOSTILE}\n\\end{{tabular}}": 0.7}, range(2)))
    test_latex_has_as_many_cells_in_every_row_and_closes_what_it_opens(given)
    assert "\\end{tabular}" not in latex_paragraph(*given)
