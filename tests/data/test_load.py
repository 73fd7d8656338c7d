"""From files to split tables: what is read when, what the cache may change (nothing), and what the hash is of."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from iot_ids.common.errors import UserError
from iot_ids.data.cache.entries import sha256
from iot_ids.data.cache.sources import digest_of_untouched, stamps_of
from iot_ids.data.clean import ROW_ID
from iot_ids.data.label import CLASS
from iot_ids.data.load import Loaded, load
from iot_ids.data.schema import Cache, Columns, Dataset, Duplicates, Format, SimulatedDataset, Taxonomy
from iot_ids.data.splits import OfficialSplit, RandomSplit

RANDOM = RandomSplit("random", test=0.2, validation=0.2)
OFFICIAL = OfficialSplit("official", validation=0.2)
OFF = Cache(path=None)


def table(rows: int, start: int = 0) -> pl.DataFrame:
    """Distinct flows, a tenth of them attacks."""
    number = pl.int_range(start, start + rows, eager=True)
    return pl.DataFrame(
        {
            "bytes": number * 1.5,
            "proto": ["tcp" if at % 3 else "udp" for at in number],
            "saddr": [f"10.0.0.{at % 7}" for at in number],
            "kind": ["attack" if at % 10 == 0 else "normal" for at in number],
        }
    )


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    table(200).write_csv(tmp_path / "train.csv")
    table(60, start=1000).write_csv(tmp_path / "test.csv")
    return Dataset(
        name="tiny",
        title="Tiny",
        path=str(tmp_path / "train.csv"),
        test_path=str(tmp_path / "test.csv"),
        format=Format(files=["train.csv"], test_files=["test.csv"]),
        columns=Columns(numeric=["bytes"], categorical=["proto"], identifiers=["saddr"], labels=["kind"]),
        label="category",
        labels={
            "category": Taxonomy(["kind"], {"normal": ["normal"], "attack": ["attack"]}, "normal"),
            "turned": Taxonomy(["kind"], {"attack": ["attack"], "normal": ["normal"]}, "normal"),
        },
    )


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(path=str(tmp_path / "cache"))


def entries(cache: Cache) -> list[Path]:
    return sorted(path for path in Path(str(cache.path)).iterdir() if path.is_dir())


def rows(loaded: Loaded) -> list[list[int]]:
    """Row ids of train, validation and test."""
    return [flows[ROW_ID].to_list() for flows in (loaded.train, loaded.validation, loaded.read_test().flows)]


def assert_same(one: Loaded, other: Loaded) -> None:
    assert_frame_equal(one.train, other.train)
    assert_frame_equal(one.validation, other.validation)
    assert_frame_equal(one.read_test().flows, other.read_test().flows)
    assert (one.classes, one.cleaning, one.sha256) == (other.classes, other.cleaning, other.sha256)


def unreadable(*_: object) -> None:
    raise AssertionError("this must not be called")


# --- the parts


def test_no_row_is_in_two_parts(dataset: Dataset) -> None:
    train, validation, test = (set(part) for part in rows(load(dataset, RANDOM, 0, OFF)))
    assert not train & validation
    assert not test & (train | validation)


def test_every_row_is_in_a_part(dataset: Dataset) -> None:
    assert sorted(row for part in rows(load(dataset, RANDOM, 0, OFF)) for row in part) == list(range(200))


def test_rows_keep_their_values(dataset: Dataset) -> None:
    train = load(dataset, RANDOM, 0, OFF).train
    assert train["bytes"].to_list() == [1.5 * at for at in train[ROW_ID]]


def test_classes_are_in_the_taxonomys_order(dataset: Dataset) -> None:
    assert load(replace(dataset, label="turned"), RANDOM, 0, OFF).classes == ["attack", "normal"]


def test_equal_seeds_give_equal_parts(dataset: Dataset) -> None:
    assert_same(load(dataset, RANDOM, 3, OFF), load(dataset, RANDOM, 3, OFF))


def test_seed_zero_is_not_seed_one(dataset: Dataset) -> None:
    assert rows(load(dataset, RANDOM, 0, OFF)) != rows(load(dataset, RANDOM, 1, OFF))


def test_duplicates_go_before_the_split(dataset: Dataset) -> None:
    pl.concat([table(200), table(200)]).write_csv(dataset.path)
    assert sum(len(part) for part in rows(load(dataset, RANDOM, 0, OFF))) == 200


# --- the official test file


def test_the_official_split_tests_on_the_test_file(dataset: Dataset) -> None:
    test = load(dataset, OFFICIAL, 0, OFF).read_test()
    assert test.flows["bytes"].to_list() == [1.5 * at for at in range(1000, 1060)]


def test_the_official_split_trains_on_the_whole_train_file(dataset: Dataset) -> None:
    loaded = load(dataset, OFFICIAL, 0, OFF)
    assert sorted([*loaded.train[ROW_ID], *loaded.validation[ROW_ID]]) == list(range(200))


def test_the_official_test_file_is_never_thinned(dataset: Dataset) -> None:
    pl.concat([table(60), table(60)]).write_csv(dataset.test_path)
    assert load(dataset, OFFICIAL, 0, OFF).read_test().flows.height == 120


def test_the_official_test_files_cleaning_is_told(dataset: Dataset) -> None:
    cleaning = load(dataset, OFFICIAL, 0, OFF).read_test().cleaning
    assert cleaning is not None
    assert cleaning["rows_in"] == 60


def test_the_official_test_file_is_not_read_by_load(dataset: Dataset) -> None:
    Path(dataset.test_path).write_text("no,such,columns\n")
    assert load(dataset, OFFICIAL, 0, OFF).train.height == 160


def test_the_official_test_file_is_read_when_asked_for(dataset: Dataset) -> None:
    loaded = load(dataset, OFFICIAL, 0, OFF)
    Path(dataset.test_path).write_text("no,such,columns\n")
    with pytest.raises(UserError, match=r"test\.csv"):
        loaded.read_test()


def test_the_test_files_hash_is_its_own(dataset: Dataset) -> None:
    assert load(dataset, OFFICIAL, 0, OFF).read_test().sha256 == sha256(Path(dataset.test_path))


def test_another_test_file_leaves_the_training_hash(dataset: Dataset) -> None:
    before = load(dataset, OFFICIAL, 0, OFF).sha256
    table(80, start=5000).write_csv(dataset.test_path)
    assert load(dataset, OFFICIAL, 0, OFF).sha256 == before


def test_a_changed_test_file_is_not_served_from_the_cache(dataset: Dataset, cache: Cache) -> None:
    load(dataset, OFFICIAL, 0, cache).read_test()
    table(80, start=5000).write_csv(dataset.test_path)
    assert load(dataset, OFFICIAL, 0, cache).read_test().flows.height == 80


# --- content


def test_the_hash_is_that_of_the_file(dataset: Dataset) -> None:
    assert load(dataset, RANDOM, 0, OFF).sha256 == sha256(Path(dataset.path))


def test_two_files_have_one_hash_that_knows_their_order(dataset: Dataset, tmp_path: Path) -> None:
    table(50, start=300).write_csv(tmp_path / "more.csv")
    paths = [dataset.path, str(tmp_path / "more.csv")]
    forth, back = (load(replace(dataset, path=order), RANDOM, 0, OFF).sha256 for order in (paths, paths[::-1]))
    assert forth != back


def test_changed_content_changes_the_hash(dataset: Dataset, cache: Cache) -> None:
    before = load(dataset, RANDOM, 0, cache).sha256
    table(200, start=1).write_csv(dataset.path)
    assert load(dataset, RANDOM, 0, cache).sha256 != before


def test_changed_content_changes_the_tables(dataset: Dataset, cache: Cache) -> None:
    load(dataset, RANDOM, 0, cache)
    table(200, start=10_000).write_csv(dataset.path)
    assert load(dataset, RANDOM, 0, cache).train["bytes"].min() >= 15_000


# --- the cache


def test_a_cached_load_equals_an_uncached_one(dataset: Dataset, cache: Cache) -> None:
    load(dataset, RANDOM, 0, cache)
    assert_same(load(dataset, RANDOM, 0, cache), load(dataset, RANDOM, 0, OFF))


def test_the_load_that_fills_the_cache_equals_an_uncached_one(dataset: Dataset, cache: Cache) -> None:
    assert_same(load(dataset, RANDOM, 0, cache), load(dataset, RANDOM, 0, OFF))


def test_a_cached_official_split_equals_an_uncached_one(dataset: Dataset, cache: Cache) -> None:
    load(dataset, OFFICIAL, 0, cache)
    assert_same(load(dataset, OFFICIAL, 0, cache), load(dataset, OFFICIAL, 0, OFF))


def test_a_second_load_cleans_nothing(dataset: Dataset, cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    load(dataset, RANDOM, 0, cache)
    monkeypatch.setattr("iot_ids.data.load.clean", unreadable)
    assert load(dataset, RANDOM, 0, cache).read_test().flows.height == 40


def test_a_moved_file_is_found_again(
    dataset: Dataset, cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(dataset, RANDOM, 0, cache)
    moved = Path(dataset.path).rename(tmp_path / "moved.csv")
    monkeypatch.setattr("iot_ids.data.load.clean", unreadable)
    assert load(replace(dataset, path=str(moved)), RANDOM, 0, cache).train.height == 128


def test_no_cache_writes_no_file(dataset: Dataset, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    load(dataset, RANDOM, 0, OFF).read_test()
    assert sorted(tmp_path.rglob("*")) == before


OTHERS: dict[str, Callable[[Dataset], Dataset]] = {
    "label": lambda data: replace(data, label="turned"),
    "duplicates": lambda data: replace(data, duplicates=Duplicates.keep),
    "columns": lambda data: replace(data, columns=replace(data.columns, categorical=[])),
    "missing": lambda data: replace(data, format=replace(data.format, missing=["", "-"])),
    "unreadable share": lambda data: replace(data, unreadable_share=0.5),
    "name": lambda data: replace(data, name="other"),
    "a class": lambda data: replace(
        data, labels={**data.labels, "category": Taxonomy(["kind"], {"normal": ["normal"], "bad": ["attack"]})}
    ),
    "order of classes": lambda data: replace(
        data, labels={**data.labels, "category": replace(data.labels["turned"], normal="normal")}
    ),
}


@pytest.mark.parametrize("change", OTHERS.values(), ids=OTHERS)
def test_every_setting_of_the_dataset_has_its_own_entry(
    dataset: Dataset, cache: Cache, change: Callable[[Dataset], Dataset]
) -> None:
    load(dataset, RANDOM, 0, cache)
    load(change(dataset), RANDOM, 0, cache)
    assert len(entries(cache)) == 2


@pytest.mark.parametrize("split", [OFFICIAL, replace(RANDOM, test=0.3), replace(RANDOM, validation=0.3)])
def test_every_split_has_its_own_entry(dataset: Dataset, cache: Cache, split: RandomSplit | OfficialSplit) -> None:
    load(dataset, RANDOM, 0, cache)
    load(dataset, split, 0, cache)
    assert len(entries(cache)) == 2


def test_every_seed_has_its_own_entry(dataset: Dataset, cache: Cache) -> None:
    for seed in (0, 1):
        load(dataset, RANDOM, seed, cache)
    assert len(entries(cache)) == 2


def test_what_is_only_printed_has_no_entry_of_its_own(dataset: Dataset, cache: Cache) -> None:
    load(dataset, RANDOM, 0, cache)
    load(replace(dataset, about="Another text", title="Another title"), RANDOM, 0, cache)
    assert len(entries(cache)) == 1


def test_the_order_of_classes_comes_from_the_configuration(dataset: Dataset, cache: Cache) -> None:
    load(dataset, RANDOM, 0, cache)
    assert load(OTHERS["order of classes"](dataset), RANDOM, 0, cache).classes == ["attack", "normal"]


def damaged(cache: Cache, name: str) -> None:
    (entry,) = entries(cache)
    file = entry / name
    file.write_bytes(file.read_bytes()[:-9])


@pytest.mark.parametrize("name", ["train.parquet", "validation.parquet", "notes.json", "manifest.json"])
def test_a_damaged_entry_is_not_served(dataset: Dataset, cache: Cache, name: str) -> None:
    load(dataset, RANDOM, 0, cache)
    damaged(cache, name)
    assert_same(load(dataset, RANDOM, 0, cache), load(dataset, RANDOM, 0, OFF))


@pytest.mark.parametrize("name", ["train.parquet", "validation.parquet", "notes.json", "manifest.json"])
def test_a_damaged_entry_is_mended(dataset: Dataset, cache: Cache, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    load(dataset, RANDOM, 0, cache)
    damaged(cache, name)
    load(dataset, RANDOM, 0, cache)
    monkeypatch.setattr("iot_ids.data.load.clean", unreadable)
    assert load(dataset, RANDOM, 0, cache).train.height == 128


def test_cached_test_rows_are_not_read_by_load(dataset: Dataset, cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    load(dataset, RANDOM, 0, cache)
    damaged(cache, "test.parquet")
    monkeypatch.setattr("iot_ids.data.load.clean", unreadable)
    assert load(dataset, RANDOM, 0, cache).train.height == 128


@pytest.mark.parametrize("damage", [lambda file: file.unlink(), lambda file: file.write_bytes(b"PAR1")])
def test_damaged_test_rows_are_rebuilt(dataset: Dataset, cache: Cache, damage: Callable[[Path], None]) -> None:
    expected = load(dataset, RANDOM, 0, cache).read_test().flows
    damage(entries(cache)[0] / "test.parquet")
    assert_frame_equal(load(dataset, RANDOM, 0, cache).read_test().flows, expected)


def test_rebuilt_test_rows_are_kept(dataset: Dataset, cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    load(dataset, RANDOM, 0, cache)
    damaged(cache, "test.parquet")
    load(dataset, RANDOM, 0, cache).read_test()
    monkeypatch.setattr("iot_ids.data.load.clean", unreadable)
    assert load(dataset, RANDOM, 0, cache).read_test().flows.height == 40


def test_test_rows_are_not_rebuilt_from_files_that_changed(dataset: Dataset, cache: Cache) -> None:
    load(dataset, RANDOM, 0, cache)
    loaded = load(dataset, RANDOM, 0, cache)
    damaged(cache, "test.parquet")
    table(200, start=1).write_csv(dataset.path)
    with pytest.raises(UserError, match="dataset=tiny: the files changed"):
        loaded.read_test()


@pytest.mark.parametrize("kind", ["published", "simulated"])
def test_a_cache_that_cannot_be_written_is_named(dataset: Dataset, tmp_path: Path, kind: str) -> None:
    (tmp_path / "file").write_text("no folder")
    place = tmp_path / "file" / "cache"
    chosen = dataset if kind == "published" else simulated()
    with pytest.raises(UserError, match=f"cache.path={place}: cannot be written.*cache=off"):
        load(chosen, RANDOM, 0, Cache(path=str(place)))


def test_a_cache_that_cannot_be_written_is_told_before_the_work(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setattr("iot_ids.data.load.clean", unreadable)
    with pytest.raises(UserError, match=r"cache\.path"):
        load(dataset, RANDOM, 0, Cache(path=str(tmp_path / "file" / "cache")))


def test_a_tilde_in_the_caches_path_is_the_home(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    load(dataset, RANDOM, 0, Cache(path="~/kept"))
    assert len(list((tmp_path / "home" / "kept").iterdir())) == 1


# --- simulated flows


def simulated(rows: int = 400, seed: int = 0) -> SimulatedDataset:
    return SimulatedDataset(
        name="simulated",
        title="Simulated",
        columns=Columns(numeric=["dur", "bytes"], categorical=["proto"], labels=["category"]),
        labels={"category": Taxonomy(["category"], {"normal": ["Normal"], "attack": ["*"]}, "normal")},
        duplicates=Duplicates.keep,
        rows=rows,
        seed=seed,
    )


def test_simulated_flows_are_the_same_with_and_without_a_cache(cache: Cache) -> None:
    load(simulated(), RANDOM, 0, cache)
    kept, fresh = load(simulated(), RANDOM, 0, cache), load(simulated(), RANDOM, 0, OFF)
    assert_frame_equal(kept.train, fresh.train)
    assert kept.sha256 == fresh.sha256


def test_a_damaged_simulated_file_is_written_again(cache: Cache) -> None:
    before = load(simulated(), RANDOM, 0, cache).sha256
    (file,) = Path(str(cache.path)).glob("simulated-*.csv")
    file.write_text(file.read_text().replace("tcp", "udp"))
    assert load(simulated(), RANDOM, 0, cache).sha256 == before


@pytest.mark.parametrize("other", [simulated(rows=401), simulated(seed=1)], ids=["rows", "seed"])
def test_other_simulated_flows_have_another_hash(cache: Cache, other: SimulatedDataset) -> None:
    assert load(simulated(), RANDOM, 0, cache).sha256 != load(other, RANDOM, 0, cache).sha256


def test_simulated_test_rows_can_be_rebuilt(cache: Cache) -> None:
    expected = load(simulated(), RANDOM, 0, cache).read_test().flows
    damaged(cache, "test.parquet")
    assert_frame_equal(load(simulated(), RANDOM, 0, cache).read_test().flows, expected)


def test_both_classes_are_in_every_part(cache: Cache) -> None:
    loaded = load(simulated(), RANDOM, 0, cache)
    parts = (loaded.train, loaded.validation, loaded.read_test().flows)
    assert all(part[CLASS].n_unique() == 2 for part in parts)


def test_the_cache_keeps_to_its_limit(dataset: Dataset, cache: Cache) -> None:
    load(dataset, RANDOM, 0, cache)
    small = replace(cache, limit=1e-9)
    load(dataset, RANDOM, 1, small)
    assert len(entries(cache)) == 1


def test_the_cache_keeps_test_rows_that_may_still_be_asked_for(
    dataset: Dataset, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(dataset, RANDOM, 0, cache)
    loaded = load(dataset, RANDOM, 0, cache)
    load(dataset, RANDOM, 1, replace(cache, limit=1e-9))
    monkeypatch.setattr("iot_ids.data.tables.clean", unreadable)
    assert loaded.read_test().flows.height == 40


def test_a_limit_that_keeps_nothing_is_refused(dataset: Dataset, cache: Cache) -> None:
    with pytest.raises(UserError, match=r"cache\.limit=0 GiB keeps nothing"):
        load(dataset, RANDOM, 0, replace(cache, limit=0))


def test_a_hash_of_files_that_were_replaced_after_reading_began_is_refused(dataset: Dataset) -> None:
    files = [Path(dataset.path or "")]
    before = stamps_of(files)
    assert digest_of_untouched(files, OFF, before) == sha256(files[0])
    content = files[0].read_bytes()
    files[0].unlink()
    files[0].write_bytes(content.replace(b"tcp", b"udp"))
    with pytest.raises(UserError, match="changed while they were read"):
        digest_of_untouched(files, OFF, before)
