"""The embedded dataset: its columns, counts, identities, windows and file."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from sklearn.metrics import f1_score
from sklearn.tree import DecisionTreeClassifier

from iot_ids.common.errors import UserError
from iot_ids.data.simulation.flows import FLAGS, PROTOCOLS, STATES, simulate, write_csv

RELEASE = (
    "pkSeqID,stime,flgs,flgs_number,proto,proto_number,saddr,sport,daddr,dport,pkts,bytes,state,state_number,ltime,seq,"
    "dur,mean,stddev,sum,min,max,spkts,dpkts,sbytes,dbytes,rate,srate,drate,TnBPSrcIP,TnBPDstIP,TnP_PSrcIP,TnP_PDstIP,"
    "TnP_PerProto,TnP_Per_Dport,AR_P_Proto_P_SrcIP,AR_P_Proto_P_DstIP,N_IN_Conn_P_DstIP,N_IN_Conn_P_SrcIP,"
    "AR_P_Proto_P_Sport,AR_P_Proto_P_Dport,Pkts_P_State_P_Protocol_P_DestIP,Pkts_P_State_P_Protocol_P_SrcIP,"
    "attack,category,subcategory"
)
BYTES = {"TnBPSrcIP": ("saddr",), "TnBPDstIP": ("daddr",)}
PACKETS = {
    "TnP_PSrcIP": ("saddr",),
    "TnP_PDstIP": ("daddr",),
    "TnP_PerProto": ("proto",),
    "TnP_Per_Dport": ("dport",),
    "Pkts_P_State_P_Protocol_P_DestIP": ("state", "proto", "daddr"),
    "Pkts_P_State_P_Protocol_P_SrcIP": ("state", "proto", "saddr"),
}
CONNECTIONS = {"N_IN_Conn_P_SrcIP": ("saddr",), "N_IN_Conn_P_DstIP": ("daddr",)}
PACES = {
    "AR_P_Proto_P_SrcIP": ("proto", "saddr"),
    "AR_P_Proto_P_DstIP": ("proto", "daddr"),
    "AR_P_Proto_P_Sport": ("proto", "sport"),
    "AR_P_Proto_P_Dport": ("proto", "dport"),
}
LABELS = ["attack", "category", "subcategory"]
IDENTIFIERS = ["pkSeqID", "stime", "ltime", "seq", "saddr", "sport", "daddr", "dport"]


@pytest.fixture(scope="module")
def flows() -> pl.DataFrame:
    return simulate(100_000, seed=0)


def counts(frame: pl.DataFrame, column: str) -> dict[str, int]:
    return dict(frame[column].value_counts().iter_rows())


def test_columns_are_those_of_the_release_in_its_order(flows: pl.DataFrame) -> None:
    assert flows.columns == RELEASE.split(",")


def test_nothing_is_missing_or_infinite(flows: pl.DataFrame) -> None:
    floats = flows.select(pl.col(pl.Float64))
    assert flows.null_count().sum_horizontal().item() == 0
    assert np.isfinite(floats.to_numpy()).all()


def test_one_hundred_thousand_rows_have_the_published_mix(flows: pl.DataFrame) -> None:
    assert counts(flows, "category") == {
        "DoS": 44_744,
        "DDoS": 52_232,
        "Normal": 477,
        "Reconnaissance": 2_468,
        "Theft": 79,
    }


def test_rare_subcategories_keep_their_published_counts(flows: pl.DataFrame) -> None:
    found = counts(flows, "subcategory")
    assert (found["Keylogging"], found["Data_Exfiltration"]) == (73, 6)


@pytest.mark.parametrize("rows", [100, 300, 1_000, 4_769, 9_541])
def test_exactly_the_rows_asked_for_come_back(rows: int) -> None:
    assert simulate(rows, seed=3).height == rows


@pytest.mark.parametrize("rows", [100, 300, 1_000])
def test_every_category_of_a_small_file_can_be_split(rows: int) -> None:
    found = counts(simulate(rows, seed=0), "category")
    assert len(found) == 5
    assert min(found.values()) >= 10


@pytest.mark.parametrize("rows", [100, 300, 1_000])
def test_every_subcategory_is_in_a_small_file(rows: int) -> None:
    found = simulate(rows, seed=0).group_by("category", "subcategory").len()
    assert found.height == 11
    assert found["len"].min() == 6


def test_only_normal_rows_are_no_attack(flows: pl.DataFrame) -> None:
    assert flows.filter((pl.col("attack") == 0) != (pl.col("category") == "Normal")).is_empty()


@pytest.mark.parametrize("rows", [-1, 0, 99])
def test_too_few_rows_are_refused(rows: int) -> None:
    with pytest.raises(UserError, match=f"dataset.rows is {rows}"):
        simulate(rows, seed=0)


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(UserError, match="-1"):
        simulate(100, seed=-1)


def test_the_same_seed_gives_the_same_frame() -> None:
    assert_frame_equal(simulate(1_000, seed=7), simulate(1_000, seed=7), check_exact=True)


@pytest.mark.parametrize("other", [1, 2])
def test_seed_zero_is_a_seed_like_any_other(other: int) -> None:
    assert_frame_equal(simulate(300, seed=0), simulate(300, seed=0), check_exact=True)
    assert not simulate(300, seed=0).equals(simulate(300, seed=other))


@pytest.mark.parametrize("total", ["pkts", "bytes"])
def test_both_directions_add_up(flows: pl.DataFrame, total: str) -> None:
    assert (flows[total] == flows[f"s{total}"] + flows[f"d{total}"]).all()


@pytest.mark.parametrize("direction", ["", "s", "d"])
def test_rates_are_intervals_per_second(flows: pl.DataFrame, direction: str) -> None:
    seconds, packets = flows["dur"].to_numpy(), flows[f"{direction}pkts"].to_numpy()
    moving = seconds > 0
    rates = flows[f"{direction}rate"].to_numpy()
    np.testing.assert_allclose(rates[moving], np.maximum(packets[moving] - 1, 0) / seconds[moving], atol=6e-7, rtol=0)
    assert not rates[~moving].any()


def test_the_lengths_of_the_records_are_in_order(flows: pl.DataFrame) -> None:
    ordered = (pl.col("min") <= pl.col("mean")) & (pl.col("mean") <= pl.col("max")) & (pl.col("max") < 5)
    assert flows.filter(~ordered).is_empty()


def test_the_sum_is_the_mean_of_a_whole_number_of_records(flows: pl.DataFrame) -> None:
    lasting = flows.filter(pl.col("mean") > 0)
    mean, total = lasting["mean"].to_numpy(), lasting["sum"].to_numpy()
    records = np.rint(total / mean)
    assert set(records) <= {1, 2, 3, 4, 5, 6}
    np.testing.assert_allclose(total, records * mean, atol=3.1e-6, rtol=0)


def test_pauses_make_a_flow_longer_than_its_records(flows: pl.DataFrame) -> None:
    assert (flows["dur"] >= flows["sum"] - 1e-9).all()


def test_one_record_does_not_deviate(flows: pl.DataFrame) -> None:
    alone = flows.filter((pl.col("dur") == pl.col("sum")) & (pl.col("min") == pl.col("max")))
    assert alone.height > 0
    assert (alone["stddev"] == 0).all()


def test_two_records_deviate_by_half_their_difference(flows: pl.DataFrame) -> None:
    two = flows.filter((pl.col("min") > 0) & ((pl.col("sum") - pl.col("min") - pl.col("max")).abs() < 1e-9))
    assert two.height > 0
    np.testing.assert_allclose(two["stddev"], (two["max"] - two["min"]) / 2, atol=6e-7, rtol=0)


def test_whole_seconds_keep_the_duration_up_to_one(flows: pl.DataFrame) -> None:
    assert ((flows["ltime"] - flows["stime"] - flows["dur"]).abs() < 1).all()


@pytest.mark.parametrize("column", [name for name in RELEASE.split(",")[16:42] if name.startswith(("AR", "m", "s"))])
def test_numbers_have_six_decimals(flows: pl.DataFrame, column: str) -> None:
    assert (flows[column] == flows[column].round(6)).all()


@pytest.mark.parametrize(("text", "names"), [("flgs", FLAGS), ("proto", PROTOCOLS), ("state", STATES)])
def test_a_code_and_its_text_always_go_together(flows: pl.DataFrame, text: str, names: tuple[str, ...]) -> None:
    pairs = flows.select(text, f"{text}_number").unique()
    assert all(names[number - 1] == name for name, number in pairs.iter_rows())


def test_ports_are_written_as_in_the_release(flows: pl.DataFrame) -> None:
    ports = {proto: set(part["sport"]) for (proto,), part in flows.group_by("proto")}
    assert (ports["arp"], ports["icmp"]) == ({"-1"}, {"0x0303"})
    assert all(port.isdigit() for port in ports["tcp"] | ports["udp"])


def test_categories_are_blocks_in_the_order_of_the_release(flows: pl.DataFrame) -> None:
    assert flows["category"].rle().struct.field("value").to_list() == [
        "DoS",
        "DDoS",
        "Normal",
        "Reconnaissance",
        "Theft",
    ]


def test_rows_are_numbered_from_one(flows: pl.DataFrame) -> None:
    assert flows["pkSeqID"].to_list() == list(range(1, flows.height + 1))


def test_each_campaign_is_in_order_of_time(flows: pl.DataFrame) -> None:
    campaigns = flows.group_by("category", "subcategory").agg(pl.col("stime").diff().min())
    assert campaigns["stime"].min() == 0


def test_attack_campaigns_follow_each_other(flows: pl.DataFrame) -> None:
    attacks = flows.filter(pl.col("attack") == 1).group_by("category", "subcategory", maintain_order=True)
    spans = attacks.agg(pl.col("stime").min().alias("first"), pl.col("stime").max().alias("last"))
    assert all(before["last"] <= after["first"] for before, after in pairwise(spans.iter_rows(named=True)))


def test_normal_traffic_goes_on_during_the_attacks(flows: pl.DataFrame) -> None:
    normal = flows.filter(pl.col("category") == "Normal")
    during = [normal["stime"].is_between(part["stime"].min(), part["stime"].max()).any()
              for _, part in flows.group_by("category")]  # fmt: skip
    assert all(during)


def counted_in_plain_python(rows: list[dict[str, object]], row: dict[str, object], name: str) -> float:
    """The window feature `name` of `row`, from the rows of its window one by one."""
    keys = (BYTES | PACKETS | CONNECTIONS | PACES)[name]
    alike = [other for other in rows if all(other[key] == row[key] for key in keys)]
    packets, seconds = sum(int(str(each["pkts"])) for each in alike), sum(float(str(each["dur"])) for each in alike)
    if name in BYTES:
        return sum(int(str(each["bytes"])) for each in alike)
    if name in CONNECTIONS:
        return len(alike)
    return packets if name in PACKETS else packets / seconds if seconds else 0.0


@pytest.mark.parametrize("name", [*BYTES, *PACKETS, *CONNECTIONS, *PACES])
def test_window_features_are_what_plain_counting_gives(flows: pl.DataFrame, name: str) -> None:
    normal = flows["category"].to_list().index("Normal")
    for first in (0, 50_000, (normal // 100 + 1) * 100, 97_500, 99_900):
        rows = flows[first : first + 100].to_dicts()
        expected = [counted_in_plain_python(rows, row, name) for row in rows]
        np.testing.assert_allclose([row[name] for row in rows], expected, rtol=1e-9, atol=6e-7)


def test_the_last_window_may_be_shorter() -> None:
    assert (simulate(130, seed=0)[100:]["N_IN_Conn_P_SrcIP"] <= 30).all()


def test_floods_repeat_themselves(flows: pl.DataFrame) -> None:
    floods = flows.filter(pl.col("category").is_in(["DoS", "DDoS"])).drop(IDENTIFIERS + LABELS)
    assert 0.05 < 1 - floods.n_unique() / floods.height < 0.5


def test_rare_classes_hardly_repeat(flows: pl.DataFrame) -> None:
    rare = flows.filter(pl.col("category").is_in(["Normal", "Theft"])).drop(IDENTIFIERS + LABELS)
    assert rare.n_unique() / rare.height > 0.95


@pytest.mark.parametrize("column", [name for name in RELEASE.split(",") if name not in [*IDENTIFIERS, *LABELS]])
def test_no_column_alone_tells_the_classes_apart(flows: pl.DataFrame, column: str) -> None:
    rows = flows[::10]
    values, labels = rows[column].rank("dense").to_numpy().reshape(-1, 1), rows["category"].to_numpy()
    tree = DecisionTreeClassifier(max_leaf_nodes=16, class_weight="balanced", random_state=0).fit(values, labels)
    assert f1_score(labels, tree.predict(values), average="macro") < 0.8


def test_a_written_file_reads_back_as_it_was(tmp_path: Path) -> None:
    frame = simulate(300, seed=0)
    write_csv(frame, tmp_path / "flows.csv")
    assert_frame_equal(pl.read_csv(tmp_path / "flows.csv", schema=frame.schema), frame, check_exact=True)


def test_a_written_file_begins_with_the_release_s_header(tmp_path: Path) -> None:
    write_csv(simulate(100, seed=0), tmp_path / "flows.csv")
    assert (tmp_path / "flows.csv").read_text().splitlines()[0] == RELEASE


def test_a_file_is_written_over_and_nothing_is_left_aside(tmp_path: Path) -> None:
    (tmp_path / "flows.csv").write_text("old")
    write_csv(simulate(100, seed=0), tmp_path / "flows.csv")
    assert [each.name for each in tmp_path.iterdir()] == ["flows.csv"]
    assert (tmp_path / "flows.csv").read_text() != "old"


def test_a_failed_write_leaves_the_old_file_and_no_part(tmp_path: Path) -> None:
    (tmp_path / "flows.csv").write_text("old")
    unwritable = pl.DataFrame({"nested": [[1, 2]]})  # CSV has no lists, found while writing
    with pytest.raises(pl.exceptions.ComputeError):
        write_csv(unwritable, tmp_path / "flows.csv")
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("flows.csv", "old")]
