"""The shipped datasets: every YAML is sound, and reads its real sample without losing a row."""

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import polars as pl
import pytest
from hydra.errors import ConfigCompositionException

from iot_ids.common.errors import UserError
from iot_ids.data.checks import check
from iot_ids.data.clean import clean
from iot_ids.data.files import official_test_files, training_files
from iot_ids.data.schema import Dataset, Duplicates, Origin

Shipped = Callable[..., Dataset]
ROOT = Path(__file__).parent.parent.parent
NAMES = sorted(file.stem for file in (ROOT / "conf" / "dataset").glob("*.yaml"))
SAMPLES = {
    "bot_iot": "bot_iot/all_features_sample.csv",
    "bot_iot_raw": "bot_iot/argus_export_sample.csv",
    "bot_iot_10_best": "bot_iot/10_best_sample.csv",
    "nf_bot_iot_v2": "nf_bot_iot_v2",
    "nf_ton_iot_v2": "nf_ton_iot_v2",
    "nsl_kdd": "nsl_kdd",
    "ton_iot": "ton_iot",
}


@pytest.fixture(params=NAMES)
def dataset(request: pytest.FixtureRequest, shipped: Shipped) -> Dataset:
    return shipped(request.param)


def test_a_dataset_is_called_like_its_file(shipped: Shipped) -> None:
    assert [shipped(name).name for name in NAMES] == NAMES


def test_every_label_of_every_dataset_is_sound(dataset: Dataset) -> None:
    for label in dataset.labels:
        dataset.label = label
        check(dataset)


def test_no_identifier_is_a_feature(dataset: Dataset) -> None:
    columns = dataset.columns
    assert not {*columns.numeric, *columns.categorical} & {*columns.identifiers, *columns.labels}


@pytest.mark.parametrize(
    "name", ["pkSeqID", "seq", "stime", "ltime", "saddr", "daddr", "sport", "dport", "smac", "dmac"]
)
def test_what_gives_bot_iot_away_is_no_feature(shipped: Shipped, name: str) -> None:
    flavours = [shipped(flavour).columns for flavour in NAMES if "bot_iot" in flavour]
    assert not any(name in {*columns.numeric, *columns.categorical} for columns in flavours)


def test_difficulty_is_not_read(shipped: Shipped) -> None:
    columns = shipped("nsl_kdd").columns
    assert "difficulty" not in {*columns.numeric, *columns.categorical, *columns.identifiers, *columns.labels}


def test_every_dataset_has_category_and_binary(dataset: Dataset) -> None:
    assert {"category", "binary"} <= set(dataset.labels)


def test_every_taxonomy_names_its_normal_class(dataset: Dataset) -> None:
    assert all(taxonomy.normal in taxonomy.classes for taxonomy in dataset.labels.values())


def test_only_the_simulation_is_generated(shipped: Shipped) -> None:
    assert [name for name in NAMES if shipped(name).origin is Origin.generated] == ["simulated"]


def test_every_about_tells_what_to_type(dataset: Dataset) -> None:
    command = "python -m train" if dataset.name == "simulated" else f"dataset={dataset.name} "
    assert command in dataset.about


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_without_a_path_the_page_is_told(shipped: Shipped, name: str) -> None:
    with pytest.raises(UserError, match=r"(?s)needs a path.*https://.*Terms:.*Cite:"):
        training_files(shipped(name))


def test_the_two_netflow_datasets_have_the_same_columns(shipped: Shipped) -> None:
    assert shipped("nf_bot_iot_v2").columns == shipped("nf_ton_iot_v2").columns


def test_the_paper_calls_three_attacks_dos(shipped: Shipped) -> None:
    classes = shipped("bot_iot").labels["paper"].classes
    assert classes == {"normal": ["Normal"], "DDoS": ["DDoS"], "DoS": ["DoS", "Reconnaissance", "Theft"]}


def test_a_misspelt_override_is_refused(shipped: Shipped) -> None:
    with pytest.raises(ConfigCompositionException, match="unreadable_shares"):
        shipped("nsl_kdd", "dataset.unreadable_shares=0.1")


def test_a_misspelt_key_in_a_file_is_refused(shipped: Shipped, tmp_path: Path) -> None:
    (tmp_path / "dataset").mkdir()
    text = (ROOT / "conf" / "dataset" / "nsl_kdd.yaml").read_text()
    (tmp_path / "dataset" / "mine.yaml").write_text(text.replace("categorical:", "categoricals:"))
    with pytest.raises(ConfigCompositionException, match="Key 'categoricals' not in 'Columns'"):
        shipped("mine", f"hydra.searchpath=[file://{tmp_path}]")


def test_the_simulation_is_declared_as_the_release_it_imitates(shipped: Shipped) -> None:
    simulated, published = shipped("simulated"), shipped("bot_iot")
    assert (simulated.columns, simulated.labels) == (published.columns, published.labels)


def test_docs_have_a_section_for_every_dataset() -> None:
    sections = re.findall(r"^## (\w+)$", (ROOT / "docs" / "datasets.md").read_text(), re.MULTILINE)
    assert sorted(sections) == NAMES


def test_the_page_on_adding_a_dataset_works(tmp_path: Path, shipped: Shipped) -> None:
    page = (ROOT / "docs" / "adding-a-dataset.md").read_text()
    (tmp_path / "greenhouse.csv").write_text(re.findall(r"```\n(started.*?)```", page, re.DOTALL)[0])
    (tmp_path / "dataset").mkdir()
    (tmp_path / "dataset" / "mine.yaml").write_text(re.findall(r"```yaml\n(name: mine.*?)```", page, re.DOTALL)[0])
    mine = shipped("mine", f"hydra.searchpath=[file://{tmp_path}]", f"dataset.path={tmp_path}/greenhouse.csv")
    flows = clean(training_files(mine), mine, mine.duplicates).flows
    assert flows.select("__class", "dst_port").rows() == [("normal", 1883.0), ("flood", 80.0)]


Report = Callable[[str], dict[str, object]]


@pytest.fixture(scope="module")
def report(real_data: Path, shipped: Shipped) -> Report:
    """Gives the cleaning report of a real sample with all its rows; each is read once."""

    @cache
    def of(name: str) -> dict[str, object]:
        dataset = shipped(name, f"dataset.path={real_data / SAMPLES[name]}")
        return clean(training_files(dataset), dataset, Duplicates.keep).report

    return of


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("bot_iot", 96),
        ("bot_iot_raw", 142),
        ("bot_iot_10_best", 954),
        ("nf_bot_iot_v2", 278_781),
        ("nf_ton_iot_v2", 213_460),
        ("nsl_kdd", 125_973),
        ("ton_iot", 211_043),
    ],
)
def test_no_row_of_a_sample_is_lost(report: Report, name: str, rows: int) -> None:
    assert (report(name)["rows_in"], report(name)["rows_out"]) == (rows, rows)


@pytest.mark.parametrize(
    ("name", "classes"),
    [
        ("bot_iot", {"DDoS": 96}),
        ("bot_iot_raw", {"Theft": 118, "Normal": 24}),
        ("bot_iot_10_best", {"Normal": 477, "DDoS": 260, "DoS": 206, "Reconnaissance": 11}),
        ("nf_bot_iot_v2", {"DoS": 167_004, "DDoS": 84_552, "Reconnaissance": 25_907, "Benign": 1_285, "Theft": 33}),
        (
            "nf_ton_iot_v2",
            {"Benign": 54_024, "xss": 48_652, "DDoS": 40_000, "password": 22_557, "scanning": 21_335}
            | {"injection": 13_686, "DoS": 12_665, "Backdoor": 352, "mitm": 124, "ransomware": 65},
        ),
        ("nsl_kdd", {"normal": 67_343, "DoS": 45_927, "Probe": 11_656, "R2L": 995, "U2R": 52}),
        (
            "ton_iot",
            {"normal": 50_000, "mitm": 1_043}
            | dict.fromkeys(
                ["backdoor", "ddos", "dos", "injection", "password", "ransomware", "scanning", "xss"], 20_000
            ),
        ),
    ],
)
def test_classes_are_counted_as_published(report: Report, name: str, classes: dict[str, int]) -> None:
    assert report(name)["classes"] == classes


@pytest.mark.parametrize(
    ("name", "duplicates", "rows"),
    [
        ("nf_bot_iot_v2", Duplicates.distinct, 18_890),
        ("nf_ton_iot_v2", Duplicates.distinct, 81_112),
        ("ton_iot", Duplicates.exact, 190_474),
    ],
)
def test_duplicates_are_counted_as_measured(
    real_data: Path, shipped: Shipped, name: str, duplicates: Duplicates, rows: int
) -> None:
    dataset = shipped(name, f"dataset.path={real_data / SAMPLES[name]}")
    assert clean(training_files(dataset), dataset, duplicates).report["rows_out"] == rows


def test_the_official_test_file_of_nsl_kdd_is_read_whole(real_data: Path, shipped: Shipped) -> None:
    dataset = shipped("nsl_kdd", f"dataset.path={real_data / 'nsl_kdd'}")
    report = clean(official_test_files(dataset), dataset, Duplicates.keep).report
    assert report["classes"] == {"normal": 9_711, "DoS": 7_460, "R2L": 2_885, "Probe": 2_421, "U2R": 67}


@pytest.mark.parametrize("label", ["binary", "subcategory", "paper"])
@pytest.mark.parametrize("name", ["bot_iot", "bot_iot_raw", "bot_iot_10_best"])
def test_every_label_fits_the_real_values(real_data: Path, shipped: Shipped, name: str, label: str) -> None:
    dataset = shipped(name, f"dataset.path={real_data / SAMPLES[name]}", f"dataset.label={label}")
    report = clean(training_files(dataset), dataset, Duplicates.keep).report
    assert report["rows_out"] == report["rows_in"]


@pytest.mark.parametrize("name", ["bot_iot", "bot_iot_raw"])
def test_real_rows_keep_their_identities(real_data: Path, shipped: Shipped, name: str) -> None:
    dataset = shipped(name, f"dataset.path={real_data / SAMPLES[name]}")
    flows = clean(training_files(dataset), dataset, Duplicates.keep).flows
    assert flows.select((pl.col("pkts") == pl.col("spkts") + pl.col("dpkts")).all()).item()
