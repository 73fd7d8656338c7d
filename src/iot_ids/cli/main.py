"""`iot-ids VERB ...`: one command for everything; each verb is a module of this package with a `main`."""

import sys
from difflib import get_close_matches
from importlib import import_module

from iot_ids.common.system_errors import run_program

VERBS = {
    "train": "train one detector, test it and keep the run in MLflow",
    "compare": "compare the kept runs: one row per method, with intervals",
    "score": "score files of flows with a kept detector",
    "export": "write a kept detector as one ONNX file, or as one file that Python runs",
    "clear-cache": "remove the prepared tables kept between runs",
}


def main() -> None:
    """List the verbs, or hand the other words to one."""
    run_program(_main)


def _main() -> None:
    verb, *words = sys.argv[1:] or ["--help"]
    if verb in ("-h", "--help"):
        print(_help())
        return
    if verb == "--version":
        import iot_ids

        print(f"iot-ids {iot_ids.__version__}")
        return
    if verb not in VERBS:
        near = get_close_matches(verb, VERBS, n=1)
        sys.exit(f"iot-ids {verb}: no such verb{f'; did you mean {near[0]}?' if near else ''}\n\n{_help()}")
    sys.argv = [f"{sys.argv[0]}-{verb}", *words]  # `iot-ids-train` is what Hydra's tab completion is installed for
    import_module(f"iot_ids.cli.{verb.replace('-', '_')}").main()


def _help() -> str:
    lines = (f"  {verb:<12} {what}" for verb, what in VERBS.items())
    return "\n".join(["iot-ids VERB ...: intrusion detection in IoT networks", "", *lines, "", "iot-ids VERB --help"])


if __name__ == "__main__":
    main()
