"""Which runs get into one table, and what is said of those that do not."""

import math

import pytest

from comparison.made_up import kept
from iot_ids.common.errors import UserError
from iot_ids.comparison import selecting
from iot_ids.comparison.spec import Compare
from iot_ids.tracking import KeptRun


@pytest.mark.parametrize(
    ("other", "shown", "typed"),
    [
        (kept("knn", parameters={"dataset.name": "yours"}), "dataset: mine (2 runs), yours (1 run)", "dataset=mine"),
        (kept("knn", tags={"data.sha256": "b" * 64}), f"{'b' * 12} (1 run)", f"data={'a' * 12}"),
        (kept("knn", parameters={"dataset.label": "binary"}), "label: category (2 runs), binary", "label=category"),
        (kept("knn", parameters={"split.name": "official"}), "split: random (2 runs), official", "split=random"),
        (kept("knn", parameters={"dataset.duplicates": "keep"}), "duplicates: distinct", "duplicates=distinct"),
        (kept("knn", parameters={"test_dataset.name": "yours"}), "test_dataset: none (2 runs)", "test_dataset=none"),
        (kept("knn", tags={"protocol": "paper_recipe"}), "clean (2 runs), paper_recipe", "protocol=clean"),
        (kept("knn", tags={"data.test_sha256": "b" * 64}), "the test file", "where=[NAME:VALUE]"),
        (
            kept("knn", parameters={"split.test": "0.3"}),
            "the split's settings: split.test=0.2",
            "where=[split.test:0.2]",
        ),
        (
            kept("knn", parameters={"split_seed": "7"}),
            "split_seed=None (2 runs), split_seed=7",
            "where=[split_seed:None]",
        ),
        (
            kept("knn", parameters={"dataset.labels.category.classes.Scan": '["scan"]'}),
            "the classes",
            "where=[NAME:VALUE]",
        ),
        (kept("knn", parameters={"dataset.format.first_rows.a*": "9"}), "the files' first rows", "where=[NAME:VALUE]"),
    ],
    ids=[
        "dataset",
        "data",
        "label",
        "split",
        "duplicates",
        "test_dataset",
        "protocol",
        "test file",
        "shares",
        "split seed",
        "classes",
        "first rows",
    ],
)
def test_what_may_not_be_mixed_is_refused_with_a_way_out(other: KeptRun, shown: str, typed: str) -> None:
    with pytest.raises(UserError, match="do not belong in one table") as refusal:
        selecting.refuse_mixture([kept(seed=0), kept(seed=1), other])
    assert shown in str(refusal.value)
    assert typed in str(refusal.value).splitlines()[-1]


def test_the_way_out_is_as_long_as_it_has_to_be() -> None:
    others = [kept("knn", parameters={name: "x"}) for name in ("dataset.label", "split.name")]
    with pytest.raises(UserError) as refusal:
        selecting.refuse_mixture([kept(seed=0), kept(seed=1), *others])
    assert str(refusal.value).endswith("for example: label=category split=random")
    with pytest.raises(UserError) as refusal:
        selecting.refuse_mixture([kept(seed=0), kept(seed=1), others[0]])
    assert str(refusal.value).endswith("for example: label=category")


def test_attacks_left_out_may_differ_in_their_own_report_alone() -> None:
    them = [
        kept("gru", seed, parameters={"split.name": "unseen_attack", "split.attack": attack})
        for seed, attack in enumerate(("DoS", "DDoS", '["DoS", "DDoS"]'))
    ]
    with pytest.raises(UserError, match=r"the unseen attack: split\.attack=DoS") as refusal:
        selecting.refuse_mixture(them)
    assert "'where=[split.attack:DoS]'" in str(refusal.value)
    assert str(refusal.value).endswith("iot-ids compare report=unseen")


def test_another_networks_rows_may_not_count_their_repeats_differently() -> None:
    one, other = (
        kept(parameters={"test_dataset.name": "yours", "test_dataset.duplicates": how}) for how in ("keep", "distinct")
    )
    with pytest.raises(UserError, match="the other network's duplicates: keep"):
        selecting.refuse_mixture([one, other])


def test_both_networks_are_named() -> None:
    assert selecting.networks(kept()) == "Greenhouse flows"
    titled = kept(parameters={"test_dataset.name": "yours", "test_dataset.title": "Your flows"})
    assert selecting.networks(titled) == "trained on Greenhouse flows, tested on Your flows"


def test_models_and_selectors_may_differ() -> None:
    selecting.refuse_mixture([kept(), kept("knn"), kept(parameters={"selector.name": "pearson", "selector.k": "8"})])


@pytest.mark.parametrize(
    "flawed",
    [
        kept("bad", without=["test/f1_macro"]),
        kept("bad", without=["data/train_rows"]),
        kept("bad", status="FAILED"),
        kept("bad", status="RUNNING"),
    ],
)
def test_a_run_without_results_is_named_and_left_out(flawed: KeptRun) -> None:
    good, (said,) = selecting.usable([kept(), flawed])
    assert [run.name for run in good] == ["gru-all-3-0"]
    assert f"bad-all-3-0 ({flawed.id[:8]})" in said
    assert any(word in said for word in ("test/f1_macro", "data/train_rows", "FAILED", "RUNNING"))


def test_a_metric_that_is_not_a_number_is_missing() -> None:
    flawed = kept("bad")
    flawed = KeptRun(**{**flawed.__dict__, "metrics": {**flawed.metrics, "test/mcc": math.nan}})
    assert selecting.usable([flawed])[0] == []


def test_many_left_out_runs_are_counted() -> None:
    _, (said,) = selecting.usable([kept("bad", seed, status="KILLED") for seed in range(50)])
    assert said.endswith("and 46 more")


def test_a_run_of_somebody_else_is_left_out() -> None:
    foreign = KeptRun("1", "theirs", "FINISHED", 0, {}, {}, {"test/f1_macro": 1.0})
    good, (said,) = selecting.usable([foreign])
    assert not good
    assert "not a run of this project" in said


def test_the_same_seed_twice_counts_once_the_latest() -> None:
    early, late, other = kept(id="early", start=5), kept(id="late", start=9), kept(seed=1)
    left, (said,) = selecting.latest_per_seed([late, early, other])
    assert {run.id for run in left} == {"late", other.id}
    assert "only the latest run counts" in said
    assert "early" in said


def test_filters_take_plain_names_and_conditions_take_parameters() -> None:
    there = [kept("gru", 0), kept("knn", 1, parameters={"split.name": "official"}), kept("svm", 2)]
    assert [run.parameters["model.name"] for run in selecting.chosen(there, _asked(split="official"))] == ["knn"]
    assert [run.parameters["model.name"] for run in selecting.chosen(there, _asked(where=["model.name:svm"]))] == [
        "svm"
    ]
    assert len(selecting.chosen(there, _asked(data="aaaa"))) == 3


def test_tuned_runs_alone_or_the_others() -> None:
    them = [kept(seed=0), kept(seed=1, tags={"tuned": "true"})]
    assert selecting.chosen(them, Compare(tuned=True, where=[])) == them[1:]
    assert selecting.chosen(them, Compare(tuned=False, where=[])) == them[:1]
    with pytest.raises(UserError, match="tuned=true: no run has this value; there are false"):
        selecting.chosen(them[:1], Compare(tuned=True, where=[]))


def test_a_filter_that_leaves_nothing_says_what_there_is() -> None:
    with pytest.raises(UserError, match=r"label=binry: no run has this value; there are category \(2 runs\)"):
        selecting.chosen([kept(), kept("knn")], _asked(label="binry"))


def test_an_earlier_comparison_is_never_compared() -> None:
    assert (
        selecting.chosen([kept(tags={"kind": "comparison"}), kept("knn")], _asked())[0].parameters["model.name"]
        == "knn"
    )


def _asked(**filters: object) -> Compare:
    return Compare(**{"where": [], **filters})  # type: ignore[arg-type]
