"""The paragraph for a paper says what was done, and of no method more than was done to it."""

import pytest

from comparison.made_up import CLASSES, on_one_test_file, on_random_splits, records
from iot_ids.comparison.loading import RunTable, group
from iot_ids.comparison.render.methods_text import paragraph
from iot_ids.comparison.reports.table import rows


def said(gathered: RunTable) -> str:
    return paragraph(gathered, rows(gathered, 100, 0))


@pytest.mark.parametrize(("stratified", "words"), [("True", "stratified by class"), ("False", "not stratified")])
def test_a_draw_is_called_stratified_where_it_is(stratified: str, words: str) -> None:
    text = said(on_random_splits({"gru": 0.9}, range(2), parameters={"split.stratified": stratified}))
    assert f"Rows were drawn at random, {words} and anew for each seed, into 1,280 training" in text


def test_methods_with_too_few_seeds_are_not_said_to_be_tested() -> None:
    many, few = records({"good": 0.95, "fair": 0.9}, range(10)), records({"rare": 0.8}, range(3))
    text = said(group([*many, *few], CLASSES, None))
    assert "The macro-F1 of 1 method was compared with that of the best" in text
    assert "1 had fewer than 10 common seeds and was not tested" in text
    assert "not tested" not in said(group(many, CLASSES, None))


def test_an_official_test_file_keeps_its_repeats() -> None:
    assert "own test file (400 rows, repeats kept) was the test set" in said(on_one_test_file({"gru": 0.9}, range(2)))
