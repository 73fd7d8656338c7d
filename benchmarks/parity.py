"""`python -m benchmarks.parity`: every shipped model with every scaler, exported, against the kept one, on real flows.

It trains on the datasets in IOT_IDS_DATA (networks for two epochs), exports in memory, and compares on 10,000 of the
dataset's rows; prints one row per model and scaler. What cannot be exported is printed with its reason.
"""

import os
import sys
import time
import warnings
from pathlib import Path

import polars as pl

from iot_ids.common.errors import UserError
from iot_ids.common.paths import CONF
from iot_ids.experiment import steps
from iot_ids.experiment.composition import compose_config, resolve_with_files
from iot_ids.experiment.state import Prepared
from iot_ids.gateway.detector import Detector as Exported
from iot_ids.serving import parity
from iot_ids.serving.export import build, outputs

ROWS = 10_000
DATASETS = {"nf_bot_iot_v2": "nf_bot_iot_v2", "ton_iot": "ton_iot"}
"""Name -> folder below IOT_IDS_DATA."""
SCALERS = ("minmax", "quantile", "midrank", "share")
BINARY = ("isolation_forest", "gradient_boosting_monotone")
WORDS = ("selector=all", "trainer=cpu", "trainer.max_epochs=2", "cache=off")


def main(data: Path) -> int:
    """Print the table; return 1 if an export answers otherwise."""
    print("| dataset | scaler | model | largest difference | alarms differing | kB |\n|---|---|---|---:|---:|---:|")
    failed = 0
    for dataset, folder in DATASETS.items():
        before: dict[str, Prepared] = {}
        for scaler in SCALERS:
            for model in sorted(file.stem for file in (CONF / "model").glob("*.yaml")):
                row, right = _row(dataset, data / folder, scaler, model, before)
                print(f"| {dataset} | {scaler} | {model} | {row} |", flush=True)
                failed += not right
    return min(failed, 1)


def _row(dataset: str, path: Path, scaler: str, model: str, before: dict[str, Prepared]) -> tuple[str, bool]:
    label = "binary" if model in BINARY else "category"
    words = [
        f"dataset={dataset}",
        f"dataset.path={path}",
        f"dataset.label={label}",
        f"scaler={scaler}",
        f"model={model}",
    ]
    try:
        config = resolve_with_files(compose_config([*words, *WORDS], None))
        prepared = before[label] = steps.prepare(config, before.get(label))
        detector = steps.fit(prepared, lambda *_: None).detector
        content = build(detector)
    except UserError as error:
        return f"not exported: {str(error).split(':')[0][:60]} | | ", True
    rows = pl.concat([prepared.loaded.validation, prepared.loaded.train]).head(ROWS)
    flows = parity.as_flows(detector, rows)
    exported = Exported(content)
    try:
        found = parity.compare(detector, lambda each: outputs(exported, each), flows, len(flows))
    except UserError as error:
        return f"{error} | | ", False
    scores, answers = detector.attack_scores(detector.probabilities(rows)), exported.answer(flows.numbers, flows.texts)
    alarms = (
        "-" if answers.alarm is None or scores is None else int((answers.alarm != (scores > detector.threshold)).sum())
    )
    left = f" ({found.ambiguous:,} ambiguous)" if found.ambiguous else ""
    return f"{found.largest:.1g}{left} | {alarms} | {len(content) / 1000:,.0f}", True


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    start = time.perf_counter()
    if "IOT_IDS_DATA" not in os.environ:
        sys.exit("IOT_IDS_DATA must name the folder of the datasets")
    code = main(Path(os.environ["IOT_IDS_DATA"]))
    print(f"\n{time.perf_counter() - start:,.0f} s")
    sys.exit(code)
