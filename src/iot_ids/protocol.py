"""Name a run's protocol: its name, its tags, and the sentences about it in the audit.

The clean protocol fits everything on training rows. The paper's shortcuts and one ablation of ours depart from it, only
on request (`experiment/leaks.py`); adapting to unlabelled flows of the tested network makes a run transductive.
"""

from collections.abc import Sequence

from iot_ids.config import Config
from iot_ids.data.schema import Duplicates, Identifiers

WORDS = {
    "outliers_before_split": "outliers removed before the split",
    "scaling_before_split": "scaling learned before the split",
    "unstratified": "a split that is not stratified",
    "exact_duplicates": "only wholly equal rows counted as duplicates",
    "identifiers": "identifiers used as features",
}
"""Every shortcut, in the order of the tags, with its description."""
OURS = "identifiers"
"""The ablation, which is not the paper's."""
PAPERS = tuple(name for name in WORDS if name != OURS)
TRANSDUCTIVE = "transductive"
"""The protocol of a run adapted to unlabelled flows of the tested network (`adaptation.py`), with shortcuts or not."""
NOT_COMPARABLE = "its scores are not comparable with the clean protocol's."


def shortcuts(config: Config) -> list[str]:
    """List the shortcuts that `config` takes, in the order of WORDS; empty under the clean protocol."""
    taken = {
        "outliers_before_split": bool(config.outliers.get("before_split")),
        "scaling_before_split": bool(config.scaler.get("before_split")),
        "unstratified": not config.split.stratified,
        "exact_duplicates": config.dataset.duplicates is Duplicates.exact,
        "identifiers": config.dataset.identifiers is Identifiers.allow,
    }
    return [name for name in WORDS if taken[name]]


def protocol(taken: Sequence[str]) -> str:
    """Name the protocol: `clean`, `identifiers` if those are features, else `paper_recipe`."""
    if not taken:
        return "clean"
    return OURS if OURS in taken else "paper_recipe"


def tags(config: Config) -> dict[str, str]:
    """Return a run's tags: `protocol` and, if any shortcuts are taken, `protocol.shortcuts`."""
    taken = shortcuts(config)
    named = TRANSDUCTIVE if config.adapt.on else protocol(taken)
    return {"protocol": named} | ({"protocol.shortcuts": ",".join(taken)} if taken else {})


def sentences(taken: Sequence[str]) -> list[str]:
    """Describe the shortcuts `taken` for the audit: one sentence for the paper's, one for ours."""
    said = []
    if named := ", ".join(WORDS[name] for name in taken if name in PAPERS):
        said.append(f"This run takes the paper's shortcuts: {named}; {NOT_COMPARABLE}")
    if OURS in taken:
        said.append(f"This run has {WORDS[OURS]}, to show what they inflate; {NOT_COMPARABLE}")
    return said
