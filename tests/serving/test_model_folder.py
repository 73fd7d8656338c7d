"""A saved folder that was changed: damage is reported, and nothing that a folder names is ever run."""

import io
import json
import shutil
import sys
import warnings
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import skops.io
from sklearn.naive_bayes import GaussianNB

import score as command
from iot_ids.common import registry
from iot_ids.common.errors import UserError
from iot_ids.serving import manifest
from iot_ids.serving.detector import Detector
from kept_folder import Change, change_json, change_schema, rebuild

KEPT = Path(__file__).parent.parent / "kept"
NAMES = ("gru", "naive_bayes", "decision_tree", "knn")


@pytest.fixture(scope="module")
def anew(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The detectors of tests/kept, kept by today's code."""
    folder = tmp_path_factory.mktemp("kept")
    for name in NAMES:
        with warnings.catch_warnings(action="ignore"):
            Detector.load(KEPT / name).save(folder / name)
    return folder


@pytest.fixture
def models(anew: Path, tmp_path: Path) -> Path:
    """A copy of them that may be changed."""
    shutil.copytree(anew, tmp_path / "models")
    return tmp_path / "models"


# --- damage that nobody covered up


@pytest.mark.parametrize("name", NAMES)
def test_a_flipped_bit_in_any_file_is_told_with_the_files_name(models: Path, name: str) -> None:
    for file in sorted((models / name).iterdir()):
        sound = file.read_bytes()
        spoilt = bytearray(sound)
        spoilt[len(sound) // 2] ^= 4
        file.write_bytes(spoilt)
        with pytest.raises(UserError, match=rf"(?s)model=.*{name}: .*was (changed|added)|is missing"):
            Detector.load(models / name)
        file.write_bytes(sound)
    assert Detector.load(models / name).classes


def test_a_missing_and_an_added_file_are_named(models: Path) -> None:
    (models / "knn" / "pipeline.npz").rename(models / "aside")
    with pytest.raises(UserError, match=r"knn: pipeline\.npz is missing"):
        Detector.load(models / "knn")
    (models / "gru" / "more").mkdir()
    (models / "gru" / "more" / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match=r"gru: more/notes\.txt was added"):
        Detector.load(models / "gru")


def test_nothing_is_read_before_the_manifest_was_checked(models: Path) -> None:
    (models / "gru" / "detector.json").write_text("{")
    with pytest.raises(UserError, match=r"detector\.json was changed or cut off"):
        Detector.load(models / "gru")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"files": 3}', '{"files": [1]}', "{}"])
def test_a_manifest_that_is_none_is_told(models: Path, text: str) -> None:
    (models / "gru" / manifest.FILE).write_text(text)
    with pytest.raises(UserError, match=r"manifest\.json was changed or cut off"):
        Detector.load(models / "gru")


def test_a_manifest_that_was_removed_is_missed(models: Path) -> None:
    (models / "gru" / manifest.FILE).unlink()
    with pytest.raises(UserError, match=r"gru: manifest\.json is missing"):
        Detector.load(models / "gru")


def test_a_folder_of_a_later_version_is_no_damage(models: Path) -> None:
    change_json(models / "gru" / "detector.json", lambda facts: facts.update(version=99))
    with pytest.raises(UserError, match=r"kept by a later iot_ids \(99"):
        Detector.load(models / "gru")


# --- damage behind a manifest that was rebuilt


def put(key: str, value: Any) -> Change:
    return lambda facts: facts.update({key: value})


JSON_CHANGES: list[tuple[str, str, Change]] = [
    ("gru", "detector.json", put("temperature", "warm")),
    ("gru", "detector.json", put("temperature", True)),
    ("gru", "detector.json", put("temperature", -1)),
    ("gru", "detector.json", put("temperature", float("nan"))),
    ("gru", "detector.json", put("shift", [0])),
    ("gru", "detector.json", put("shift", 10**400)),
    ("gru", "detector.json", put("window", 0)),
    ("gru", "detector.json", put("window", 3)),
    ("gru", "detector.json", put("classes", ["Normal", "DDoS"])),
    ("gru", "detector.json", put("classes", ["Normal", "DDoS", "DoS", "DoS", "Theft"])),
    ("gru", "detector.json", put("classes", "abcde")),
    ("gru", "detector.json", put("classes", dict.fromkeys("abcde", 1))),
    ("gru", "detector.json", put("missing", [None])),
    ("gru", "detector.json", put("columns", {"numeric": ["bytes"]})),
    ("gru", "detector.json", put("columns", [])),
    ("gru", "detector.json", put("format", {"header": "maybe"})),
    ("gru", "detector.json", put("format", {"separator": "::"})),
    ("gru", "detector.json", put("format", {"separator": "\n"})),
    ("gru", "detector.json", put("format", {"column_names": ["bytes", "bytes"]})),
    ("gru", "detector.json", put("threshold", 0.5)),
    ("gru", "detector.json", lambda facts: facts.pop("classes")),
    ("gru", "detector.json", put("model", ["recurrent"])),
    ("gru", "detector.json", put("model", "neighbours")),
    ("gru", "detector.json", put("model", "feed_forward")),
    ("gru", "detector.json", put("model", "minmax")),
    ("gru", "network.json", put("hidden_size", 15)),
    ("gru", "network.json", put("hidden_size", 10**9)),
    ("gru", "network.json", put("layers", 2)),
    ("gru", "network.json", put("layers", 10**12)),
    ("gru", "network.json", put("cell", "lstm")),
    ("gru", "network.json", put("classes", 4)),
    ("gru", "network.json", put("features", "4")),
    ("gru", "pipeline.json", lambda facts: facts["numeric"].pop()),
    ("gru", "pipeline.json", lambda facts: facts["numeric"].append("rate")),
    ("gru", "pipeline.json", put("numeric", "abcd")),
    ("gru", "pipeline.json", put("numeric", ["a", "b", "c", "d"])),
    ("gru", "pipeline.json", put("categories", [["proto"]])),
    ("gru", "pipeline.json", put("scaler", "quantile")),
    ("gru", "pipeline.json", put("scaler", "recurrent")),
    ("knn", "neighbours.json", put("n_neighbors", 10**6)),
    ("knn", "neighbours.json", put("n_neighbors", "5")),
    ("knn", "neighbours.json", put("weights", "os.system")),
]


@pytest.mark.parametrize(("name", "file", "change"), JSON_CHANGES)
def test_a_changed_value_behind_a_rebuilt_manifest_is_told(models: Path, name: str, file: str, change: Change) -> None:
    change_json(models / name / file, change)
    with pytest.raises(UserError, match=f"{name}"):
        Detector.load(models / name)


@pytest.mark.parametrize(
    "cut",
    [
        lambda each: each[:-1],
        lambda each: np.append(each, each[-1:], axis=0),
        lambda each: each.astype("<U9"),
        lambda each: np.full_like(each, np.nan if each.dtype.kind == "f" else -1),
        lambda each: each[..., None],
        lambda each: each.astype(np.complex128),
    ],
)
@pytest.mark.parametrize(
    ("name", "file", "array"),
    [
        ("gru", "pipeline.npz", "low"),
        ("gru", "pipeline.npz", "span"),
        ("knn", "neighbours.npz", "x"),
        ("knn", "neighbours.npz", "y"),
    ],
)
def test_an_array_of_another_length_or_kind_is_told(
    models: Path, name: str, file: str, array: str, cut: Callable[[Any], Any]
) -> None:
    with np.load(models / name / file) as arrays:
        changed = {key: cut(each) if key == array else each for key, each in arrays.items()}
    np.savez(models / name / file, allow_pickle=False, **changed)
    rebuild(models / name)
    with pytest.raises(UserError, match=f"model=.*{name}"):
        Detector.load(models / name)


def test_a_file_that_is_cut_off_behind_a_rebuilt_manifest_is_told(models: Path) -> None:
    for name in NAMES:
        for file in sorted((models / name).iterdir()):
            sound = file.read_bytes()
            if file.name != manifest.FILE:
                file.write_bytes(sound[: len(sound) // 2])
                rebuild(models / name)
                with pytest.raises(UserError, match="a file in it was changed or cut off"):
                    Detector.load(models / name)
            file.write_bytes(sound)


def test_a_tree_that_points_outside_itself_is_told_before_it_is_followed(models: Path) -> None:
    file = models / "decision_tree" / "estimator.skops"
    with zipfile.ZipFile(file) as parts:
        contents = {name: parts.read(name) for name in parts.namelist()}
    for name in [name for name in contents if name.endswith(".npy")]:
        array = np.load(io.BytesIO(contents[name]))
        if array.dtype.names and "left_child" in array.dtype.names:
            array["left_child"][0] = 10**12
            with io.BytesIO() as stream:
                np.save(stream, array)
                contents[name] = stream.getvalue()
    with zipfile.ZipFile(file, "w") as parts:
        for name, content in contents.items():
            parts.writestr(name, content)
    rebuild(file.parent)
    with pytest.raises(UserError, match="points outside the tree"):
        Detector.load(models / "decision_tree")


# --- malice behind a manifest that was rebuilt

TRAP = """
from pathlib import Path
Path({marker!r}).touch()
class Model:
    @classmethod
    def load(cls, folder):
        return cls()
    def probabilities(self, x):
        import numpy
        return numpy.full((len(x), 5), 0.2, dtype=numpy.float32)
class Scaler:
    def transform(self, x):
        return x
    def restore(self, state):
        pass
def function():
    pass
"""


@pytest.fixture
def trap(models: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What appears when the module `sprung_trap` is imported, which lies in every folder and where Python looks."""
    marker = models / "sprung"
    for folder in (models, *(models / name for name in NAMES)):
        (folder / "sprung_trap.py").write_text(TRAP.format(marker=str(marker)))
    monkeypatch.syspath_prepend(str(models))
    monkeypatch.chdir(models / "naive_bayes")
    monkeypatch.delitem(sys.modules, "sprung_trap", raising=False)
    for name in NAMES:
        rebuild(models / name)
    return marker


PLANTED = [("detector.json", "model", "sprung_trap.Model"), ("pipeline.json", "scaler", "sprung_trap.Scaler")]


@pytest.mark.parametrize(("file", "key", "name"), PLANTED)
def test_a_class_that_a_file_names_is_not_imported(models: Path, trap: Path, file: str, key: str, name: str) -> None:
    change_json(models / "naive_bayes" / file, put(key, name))
    with pytest.raises(UserError, match=rf"it holds {name}, which .* add trust={name} "):
        Detector.load(models / "naive_bayes")
    assert not trap.exists()
    assert "sprung_trap" not in sys.modules


@pytest.mark.parametrize(("file", "key", "name"), PLANTED)
def test_it_is_imported_where_the_user_trusts_it_by_name(
    models: Path, trap: Path, file: str, key: str, name: str
) -> None:
    change_json(models / "naive_bayes" / file, put(key, name))
    assert Detector.load(models / "naive_bayes", trust=[name]).classes
    assert trap.exists()


@pytest.mark.parametrize("word", ["sprung_trap", "sprung_trap.*", "sprung_trap.Scaler", "sprung_trap.", "*", ""])
def test_no_other_word_trusts_it(models: Path, trap: Path, word: str) -> None:
    change_json(models / "naive_bayes" / "detector.json", put("model", "sprung_trap.Model"))
    with pytest.raises(UserError, match="add trust="):
        Detector.load(models / "naive_bayes", trust=[word])
    assert not trap.exists()


@pytest.mark.parametrize("name", ["sprung_trap.function", "sprung_trap.nothing", "nowhere.Model", "Model"])
def test_what_is_trusted_has_to_be_a_class(models: Path, trap: Path, name: str) -> None:
    change_json(models / "naive_bayes" / "detector.json", put("model", name))
    with pytest.raises(UserError, match=rf"trust={name} (is not a class|cannot be imported)"):
        Detector.load(models / "naive_bayes", trust=[name])


def test_the_command_takes_the_word(
    models: Path, trap: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    change_json(models / "naive_bayes" / "detector.json", put("model", "sprung_trap.Model"))
    words = [f"model={models / 'naive_bayes'}", f"path={KEPT / 'flows.csv'}", f"out={models / 'out.csv'}"]
    monkeypatch.setattr(sys, "argv", ["score", *words])
    with pytest.raises(SystemExit, match=r"add trust=sprung_trap\.Model "):
        command.main()
    assert not trap.exists()
    monkeypatch.setattr(sys, "argv", ["score", *words, "trust=sprung_trap.Scaler,sprung_trap.Model"])
    command.main()
    assert pl.read_csv(models / "out.csv")["probability/DoS"].unique().to_list() == [0.2]


# --- skops: what a schema could name


def text(value: str) -> dict[str, Any]:
    return {"__class__": "str", "__module__": "builtins", "__loader__": "JsonNode", "content": json.dumps(value)}


def listed(*nodes: dict[str, Any]) -> dict[str, Any]:
    return {"__class__": "tuple", "__module__": "builtins", "__loader__": "TupleNode", "content": [*nodes]}


def node(loader: str, name: str, **more: Any) -> dict[str, Any]:
    module, _, kind = name.rpartition(".")
    return {"__class__": kind, "__module__": module, "__loader__": loader, **more}


RUNNER = "sklearn.utils._testing.assert_run_python_script_without_output"
"""A function of scikit-learn's that starts a program."""


def hostile(marker: Path) -> dict[str, dict[str, Any]]:
    """Nodes that would make a file at `marker`, or that yield a function which could."""
    script = listed(text(f"from pathlib import Path\nPath({str(marker)!r}).touch()\n"))
    empty = {"__class__": "dict", "__module__": "builtins", "__loader__": "DictNode", "content": {}}
    empty |= {"key_types": node("ListNode", "builtins.list", content=[])}
    run = node("FunctionNode", RUNNER)
    partial = {"func": run, "args": script, "kwds": empty, "namespace": empty}
    return {
        "constructor": node("ConstructorFromReduceNode", RUNNER, content=script),
        "loss": node("LossNode", RUNNER, __reduce__={"args": script}, content=empty),
        "function": run,
        "system": node("FunctionNode", "os.system"),
        "ufunc": node("FunctionNode", "numpy.add"),
        "type": node("TypeNode", "os.system"),
        "object": node("ObjectNode", "subprocess.Popen", content=empty),
        "trap": node("ObjectNode", "sprung_trap.Model", content=empty),
        "partial": node("PartialNode", "functools.partial", content=partial),
        "operator": node("OperatorFuncNode", "operator.methodcaller", attrs=script),
        "method": node("MethodNode", "builtins.str", content={"func": "format", "obj": text("{}")}),
        "default": node("DefaultDictNode", "collections.defaultdict", content={"main": empty, "default_factory": run}),
        "generator": node(
            "RandomGeneratorNode",
            "numpy.random._generator.Generator",
            content={"bit_generator": {"content": {"bit_generator": text("seed")}}, "seed_seq": empty},
        ),
        "unnamed": {"__loader__": ["FunctionNode"], "__class__": "system", "__module__": "os"},
    }


def plant(models: Path, planted: dict[str, Any]) -> None:
    file = models / "naive_bayes" / "estimator.skops"
    change_schema(file, lambda schema: schema["content"]["content"].update(epsilon_=planted))


def test_the_traps_spring_where_the_prefix_is_trusted(models: Path, tmp_path: Path) -> None:
    for name in ("constructor", "loss"):
        marker = tmp_path / name
        plant(models, hostile(marker)[name])
        file = models / "naive_bayes" / "estimator.skops"
        trusted = [each for each in skops.io.get_untrusted_types(file=file) if each.startswith("sklearn.")]
        with suppress(Exception):
            skops.io.load(file, trusted=trusted)
        assert marker.exists()


@pytest.mark.parametrize("name", hostile(Path()))
def test_nothing_that_a_skops_file_names_is_run(models: Path, trap: Path, name: str) -> None:
    plant(models, hostile(trap)[name])
    with pytest.raises(UserError, match=r"naive_bayes"):
        Detector.load(models / "naive_bayes")
    assert not trap.exists()
    assert "sprung_trap" not in sys.modules


@pytest.mark.parametrize("name", sorted({*hostile(Path())} - {"trap", "object"}))
def test_functions_cannot_be_trusted_by_any_word(models: Path, trap: Path, name: str) -> None:
    plant(models, hostile(trap)[name])
    with pytest.raises(UserError):
        Detector.load(models / "naive_bayes", trust=[RUNNER, "os.system", "numpy.add", "functools.partial"])
    assert not trap.exists()


def test_a_class_of_the_users_own_in_a_skops_file_is_named_with_the_word(models: Path, trap: Path) -> None:
    plant(models, hostile(trap)["trap"])
    with pytest.raises(UserError, match=r"it holds sprung_trap\.Model, .* add trust=sprung_trap\.Model "):
        Detector.load(models / "naive_bayes")
    Detector.load(models / "naive_bayes", trust=["sprung_trap.Model"])
    assert trap.exists()


# --- names


@pytest.mark.parametrize("name", [*registry.MODELS, *registry.SCALERS])
def test_a_registered_name_is_its_classs(name: str) -> None:
    ours = registry.MODELS | registry.SCALERS
    assert registry.registered_name(registry.load_class(name, ours)) == name


def test_every_name_of_before_is_a_name_of_today() -> None:
    assert {*registry.OLD_NAMES.values()} == {*registry.MODELS, *registry.SCALERS}


def test_a_kept_folder_names_no_module(anew: Path) -> None:
    for name in NAMES:
        for file in ("detector.json", "pipeline.json"):
            assert "iot_ids." not in (anew / name / file).read_text()


def test_another_class_has_its_modules_name() -> None:
    assert registry.registered_name(GaussianNB) == "sklearn.naive_bayes.GaussianNB"
