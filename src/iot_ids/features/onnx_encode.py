"""Encoding of raw columns as nodes of an ONNX graph."""

from collections.abc import Collection, Sequence

import numpy as np

from iot_ids.common.onnx_graph import Graph
from iot_ids.data.reading.layout import LARGEST, MISSING_NAME, MISSING_NUMBER
from iot_ids.features.encode import Encoder

NUMBERS, TEXTS = "numbers", "texts"
"""The graph's inputs: float64 `(rows, numbers)`, NaN where a number is missing and infinite where the cell holds no
number; and strings `(rows, texts)`."""


def encode(graph: Graph, encoder: Encoder, identifiers: Collection[str], missing: Sequence[str]) -> str:
    """Add the nodes of `Encoder.transform`: float32 `(rows, encoded columns)`, NaN where a number is missing.

    Args:
        graph: to add to.
        encoder: fitted.
        identifiers: columns whose missing numbers count as MISSING_NUMBER.
        missing: cell texts that mean "no value".
    """
    parts = _numbers(graph, encoder, identifiers)
    if encoder.categories:
        parts.insert(1 if encoder.numeric else 0, _categories(graph, encoder, missing))
    return parts[0] if len(parts) == 1 else graph.node("Concat", *parts, axis=1)


def _numbers(graph: Graph, encoder: Encoder, identifiers: Collection[str]) -> list[str]:
    """Add the numeric columns, if any, and the indicators of missing numbers, if any."""
    if not encoder.numbers:
        return []
    limits = graph.number(-LARGEST), graph.number(LARGEST)
    damage = graph.node("Mul", NUMBERS, graph.number(0))  # NaN for what is not finite
    values = graph.node("Add", graph.node("Clip", NUMBERS, *limits), damage)
    flags = [name in identifiers for name in encoder.numbers]
    if any(flags):
        lacks = graph.node("And", graph.node("IsNaN", damage), graph.constant([flags], np.bool_))
        values = graph.node("Where", lacks, graph.number(MISSING_NUMBER), values)
    if encoder.indicated is None:
        return [graph.cast(_of(graph, values, encoder, encoder.numeric), np.float32)]
    counted = graph.constant([[not flag for flag in flags]], np.bool_)  # an identifier is never absent
    absent = graph.node("And", graph.node("IsNaN", NUMBERS), counted)
    values = graph.node("Where", absent, graph.number(0), values)
    wanted = [values, graph.cast(absent, np.float64)]
    names = encoder.numeric, encoder.indicated
    return [graph.cast(_of(graph, each, encoder, of), np.float32) for each, of in zip(wanted, names, strict=True) if of]


def _of(graph: Graph, values: str, encoder: Encoder, names: Sequence[str]) -> str:
    places = [encoder.numbers.index(name) for name in names]
    return values if places == [*range(len(encoder.numbers))] else graph.columns(values, places)


def _categories(graph: Graph, encoder: Encoder, missing: Sequence[str]) -> str:
    """Add an indicator for each category; every text is looked up once, whatever its column."""
    known = {MISSING_NAME: 0, **dict.fromkeys({"", *missing}, 0)}
    for _, category in encoder.categories:
        known.setdefault(category, len(known))
    keys, codes = zip(*sorted(known.items()), strict=True)
    coded = graph.node(
        "LabelEncoder", TEXTS, domain="ai.onnx.ml", keys_strings=list(keys), values_int64s=list(codes), default_int64=-1
    )
    columns = graph.columns(coded, [encoder.texts.index(column) for column, _ in encoder.categories])
    wanted = graph.constant([[known[category] for _, category in encoder.categories]], np.int64)
    return graph.cast(graph.node("Equal", columns, wanted), np.float32)
