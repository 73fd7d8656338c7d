"""`iot-ids export`: write a kept detector as one file; `--help` explains the words."""

import sys

from iot_ids.cli.score import given_path, load_with_warnings, settings_of, shown_help, trusted
from iot_ids.common.system_errors import run_program

USAGE = """\
Write a kept detector as one file, with its preprocessing, calibration and threshold inside.

  iot-ids export model=mlruns/artifacts/RUN_ID/artifacts/model out=detector.onnx

  model   the folder `model` of a run
  out     .onnx: raw columns in; class probabilities, attack score and alarm out, for any ONNX runtime
          .pyz: the same file with a runtime around it; on a machine with Python, numpy and onnxruntime only:
          python detector.pyz flows.csv > answers.csv
  trust   only for a model with classes of your own: their names as module.Class, separated by commas

Before a file appears, its answers are compared with those of the kept detector, on flows of the run and on made-up hard
ones. Beside it go `.golden.csv`, flows with their answers, for tests of other runtimes, and `.model_card.md`.
Not every model can be exported: docs/serving.md has the list. Needs the extra `export`.
"""


def main() -> None:
    """The entry point: help at once; a mistake is one message."""
    run_program(_main)


def _main() -> None:
    words = sys.argv[1:]
    if shown_help(words, USAGE):
        return
    from iot_ids.common.onnx_graph import require_onnx

    settings = settings_of(words, ("model", "out"), ("trust",), "iot-ids export model=MODEL out=FILE")
    require_onnx()
    _export(settings)


def _export(settings: dict[str, str]) -> None:
    from iot_ids.common.imports import gc_paused_import

    with gc_paused_import():
        from iot_ids.serving.export import export
    model, out = given_path("model", settings["model"]), given_path("out", settings["out"])
    done = load_with_warnings(lambda: export(model, out, trusted(settings)))
    for file in done.files:
        print(f"{file} ({file.stat().st_size:,} bytes)")
    proof = done.parity
    left = f"; {proof.ambiguous:,} without a definite answer left out" if proof.ambiguous else ""
    print(
        f"same answers as the kept detector on {proof.rows:,} flows ({proof.of_the_run:,} of the run, the others made "
        f"up to be hard{left}); largest difference of a probability: {proof.largest:.1g}"
    )


if __name__ == "__main__":
    main()
