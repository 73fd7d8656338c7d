"""The audit's findings in words: which of them deserve a sentence, and what they mean for the scores."""

from collections.abc import Mapping
from math import ceil
from typing import Any

from iot_ids.metrics.operating_point import OperatingPoint

WORTH_A_SENTENCE = 0.01
MOST = 0.5
"""The share that counts as most rows; and how far between chance and certainty the row order must score."""


_CONTRADICTED = {
    False: "no model can get all of them right. More features may tell them apart.",
    True: "only the flows before them, which the model reads as well, can tell them apart.",
}
"""What equal flows of different classes imply, without and with windows."""


def sentences(
    findings: Mapping[str, Any], rows: int, classes: int, identifiers_allowed: bool, windowed: bool
) -> list[str]:
    """State what a reader must know about the audit's `findings`; nothing if nothing was found.

    Args:
        findings: from `iot_ids.metrics.audit.audit`, without the sentences.
        rows: train and test rows together.
        classes: the number of classes; chance level is at most 1 / classes.
        identifiers_allowed: whether identifiers were offered as features.
        windowed: whether the model also reads preceding flows, which were not compared.
    """
    said = []
    if findings["share_seen"] >= WORTH_A_SENTENCE:
        said.append(_seen_sentence(findings["test_rows_seen_in_train"], findings["test_rows"], windowed))
    if findings["share_nearly_seen"] >= MOST:
        said.append(_nearly_seen_sentence(findings["test_rows_nearly_seen_in_train"], findings["test_rows"]))
    for name in findings["flagged"]:
        score = (findings["single_feature_f1"] | findings["identifier_f1"])[name]
        said.append(_giveaway_sentence(name, score, name in findings["identifier_f1"], identifiers_allowed))
    if findings["row_order_f1"] >= 1 / classes + MOST * (1 - 1 / classes):
        said.append(_row_order_sentence(findings["row_order_f1"]))
    if findings["contradicting_rows"] >= WORTH_A_SENTENCE * rows and findings["contradicting_rows"]:
        said.append(
            f"{findings['contradicting_rows']:,} of {rows:,} train and test rows equal a row of another class in every "
            f"selected feature: {_CONTRADICTED[windowed]}"
        )
    if findings["contradicting_labels"]:
        said.append(
            f"{findings['contradicting_labels']:,} of the rows that cleaning left are normal by one label of the "
            "dataset and an attack by another: one of the two is wrong. cleaning.json lists the first of them."
        )
    return said


def tied_sentence(point: OperatingPoint | None) -> list[str]:
    """Explain that the requested rate cannot be reached, and which rates can; nothing if it is reached."""
    if point is None or point.tied is None or point.nearest is None:
        return []
    below, above = point.tied
    asked, shown, next_one = (f"{100 * rate:.4g} %" for rate in (point.false_positive_rate, below, above))
    settable = ceil(1e6 * above) / 1e6
    said = (
        f"A false-positive rate of {asked} cannot be reached: {100 * (above - below):.4g} % of validation's normal "
        f"rows share one score. The threshold is set to {shown}, where the detection rate is measured; the next "
        f"higher rate is {next_one}, the nearest {100 * point.nearest:.4g} %."
    )
    return [said + f" evaluate.false_positive_rate={settable:g} selects the higher one." * (settable < 1)]


def _seen_sentence(seen: int, rows: int, windowed: bool) -> str:
    fact = f"{seen:,} of {rows:,} test rows ({seen / rows:.0%}) also occur in train"
    if windowed:
        return f"{fact}, ignoring the flows before them, which the model reads as well."
    if seen < rows / 2:
        return f"{fact}: expect lower scores on new flows."
    return f"{fact}: accuracy on this split says little about new flows."


def _nearly_seen_sentence(nearly: int, rows: int) -> str:
    return (
        f"{nearly:,} of {rows:,} test rows ({nearly / rows:.0%}) are new, but within a percentile of one train row in "
        "every selected feature: remembering the nearest row may be enough here, and will not be on another network."
    )


def _giveaway_sentence(name: str, score: float, identifier: bool, allowed: bool) -> str:
    fact = f"The {'identifier' if identifier else 'feature'} {name} alone reaches macro-F1 {score:.2f}"
    if not identifier:
        return f"{fact}: it gives the class away. Make sure that it would be known, and as telling, in a new network."
    if allowed:
        return (
            f"{fact}: it gives the class away. dataset.identifiers=allow made it a feature, so the scores show how "
            "well the model knows this recording, and nothing about a new network."
        )
    return f"{fact}: it gives the class away. It is not a feature and must not become one."


def _row_order_sentence(score: float) -> str:
    return (
        f"A row's position in its file alone reaches macro-F1 {score:.2f}: the classes come in blocks. The first rows "
        "of a file, or a split by position, may have only one class, and a feature that counts over neighbouring rows "
        "reveals the block."
    )
