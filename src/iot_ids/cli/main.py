"""`iot-ids VERB ...`: one command for everything; each verb is a module of this package with a `main`."""

import sys
from difflib import get_close_matches
from importlib import import_module

VERBS = {
    "train": "train one detector, test it and keep the run in MLflow",
    "compare": "compare the kept runs: one row per method, with intervals",
    "score": "score files of flows with a kept detector",
    "clear-cache": "remove the prepared tables kept between runs",
}


def main() -> None:
    """List the verbs, or hand the other words to one."""
    words = sys.argv[1:]
    if not words or words[0] in ("-h", "--help"):
        print(_help())
        return
    if words[0] == "--version":
        import iot_ids

        print(f"iot-ids {iot_ids.__version__}")
        return
    verb = words[0]
    if verb not in VERBS:
        near = get_close_matches(verb, VERBS, n=1)
        sys.exit(f"iot-ids {verb}: no such verb{f'; did you mean {near[0]}?' if near else ''}\n\n{_help()}")
    sys.argv = [f"{sys.argv[0]} {verb}", *words[1:]]
    import_module(f"iot_ids.cli.{verb.replace('-', '_')}").main()


def _help() -> str:
    lines = (f"  {verb:<12} {words}" for verb, words in VERBS.items())
    return "\n".join(["iot-ids VERB ...: intrusion detection in IoT networks", "", *lines, "", "iot-ids VERB --help"])
