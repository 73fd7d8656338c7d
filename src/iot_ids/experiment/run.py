"""Run one experiment, from preparation to evaluation, and record it in MLflow."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from omegaconf import DictConfig, OmegaConf

from iot_ids import protocol, tracking
from iot_ids.common import atomic
from iot_ids.config import container, resolve
from iot_ids.data.clean import ROW_ID
from iot_ids.data.load import Test
from iot_ids.data.reading.layout import FILE
from iot_ids.data.schema import Origin
from iot_ids.experiment import artifacts, console, steps
from iot_ids.experiment.fingerprint import fingerprint
from iot_ids.experiment.model_card import model_card
from iot_ids.experiment.state import Prepared, examples
from iot_ids.serving.provenance import Provenance, versions
from iot_ids.tracking import Store


def run(config: DictConfig, brief: bool = False, tags: Mapping[str, str] | None = None) -> str:
    """Prepare, fit and evaluate as configured; print the result, in one line if `brief`; return the MLflow run's id.

    With `tracking.skip_finished`, a run that the store already holds is not repeated; its id is returned. Errors in
    the data or the configuration are found before the MLflow run is created. Errors that appear only in training or in
    the official test file leave a FAILED run. `tags` are added to the run's own; sweeps use this.

    Raises:
        UserError: something that the user can fix.
    """
    settings = resolve(config)
    store = tracking.open_store(settings.tracking, settings.dataset.name)
    with console.working(f"preparing {settings.dataset.title}"):
        prepared = steps.prepare(settings)
    plain = container(config)
    name = _name(prepared)
    if settings.tracking.skip_finished and (finished := _finished(store, prepared, plain, tags or {})):
        console.skipped(name, *finished, tracking.commit())
        return finished[0]
    simulated = settings.simulated
    own = _tags(prepared, plain)
    commit = own["git.commit"]  # asked once: git takes a tenth of a second
    with tracking.start(store, name, tracking.flat(plain), own | dict(tags or {})) as kept:
        source = str(settings.dataset.path or settings.dataset.name)
        kept.dataset(
            prepared.loaded.train.drop(ROW_ID, FILE), settings.dataset.name, source, prepared.loaded.sha256, "training"
        )
        with console.training(f"training {name}", settings.trainer.max_epochs, kept.report) as report:
            fitted = steps.fit(prepared, report)
        with console.working(f"testing {name}"), atomic.temporary_folder() as folder:
            test = prepared.loaded.read_test()
            kept.tags(_tags_of_test(test, plain, prepared))
            result = steps.evaluate(fitted, test)
            fitted = result.fitted
            kept.metrics(result.metrics)
            artifacts.write(fitted, result, test, OmegaConf.to_yaml(config, resolve=True), simulated, folder)
            detector = replace(fitted.detector, origin=_provenance(prepared, kept.id, commit))
            card = model_card(fitted, result, test, kept.id, commit)
            (folder / "model_card.md").write_text(card, encoding="utf-8")
            tracking.save_model(detector, folder / "model", examples(prepared))
            kept.artifacts(folder)
    if brief:
        console.line(result, name, fitted.seconds)
    else:
        console.show(fitted, result, test, name, simulated)
    console.where(kept.id, store.ui_command())
    return kept.id


def _name(prepared: Prepared) -> str:
    """Name the run model-selector-k-seed."""
    config, features = prepared.config, prepared.features.pipeline.names
    return f"{config.model['name']}-{config.selector['name']}-{len(features)}-{config.seed}"


def _provenance(prepared: Prepared, run: str, commit: str) -> Provenance:
    """Describe where the run's detector comes from."""
    config = prepared.config
    dataset = config.dataset
    return Provenance(
        dataset=dataset.name,
        title=dataset.title,
        label=dataset.label,
        data_sha256=prepared.loaded.sha256,
        run=run,
        commit=commit,
        simulated=config.simulated,
        extractor=dataset.extractor,
        versions=versions(),
    )


def _finished(
    store: Store, prepared: Prepared, plain: dict[str, Any], tags: Mapping[str, str]
) -> tuple[str, str] | None:
    """Find a finished run of the same data, configuration, seed and sweep; return its id and commit.

    The hash of an official test file is part of the data.
    """
    loaded = prepared.loaded
    same = {name: tags[name] for name in ("sweep", "tuned") if name in tags}
    same |= {"config.fingerprint": fingerprint(plain, *_data(loaded.sha256, loaded.test_sha256()))}
    return tracking.finished(store, same, prepared.config.seed)


def _tags(prepared: Prepared, plain: dict[str, Any]) -> dict[str, str]:
    digest = prepared.loaded.sha256
    return {
        "data.origin": (Origin.generated if prepared.config.simulated else Origin.published).value,
        "data.sha256": digest,
        "git.commit": tracking.commit(),
        "config.fingerprint": fingerprint(plain, digest),
        "tuned": "false",
        **protocol.tags(prepared.config),
    }


def _tags_of_test(test: Test, plain: dict[str, Any], prepared: Prepared) -> dict[str, str]:
    """Return tags for when the test rows were read, and their hash: runs on different test files are never averaged."""
    return {
        "data.test_sha256": test.sha256,
        "data.test_read": datetime.now(UTC).isoformat(timespec="seconds"),
        "config.fingerprint": fingerprint(plain, *_data(prepared.loaded.sha256, test.sha256)),
    }


def _data(training: str, test: str) -> list[str]:
    """Return the hashes for a fingerprint: only one if the test rows come from the training files."""
    return [training] if test == training else [training, test]
