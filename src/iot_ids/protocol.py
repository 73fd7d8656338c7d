"""What a run's protocol is called: its name, its tags, and what is said of it.

The clean protocol fits everything on training rows. The paper's shortcuts and one ablation of ours depart from it on
request (`experiment/leaks.py`); an adaptation to unlabelled flows of the tested network is transductive.
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
"""Every shortcut, in the order of the tags, and what a reader is told of it."""
OURS = "identifiers"
"""The one that is not the paper's."""
PAPERS = tuple(name for name in WORDS if name != OURS)
TRANSDUCTIVE = "transductive"
"""The protocol of a run that unlabelled flows of the tested network have shaped (`adaptation.py`), whatever else."""
NOT_COMPARABLE = "its scores are not comparable with the clean protocol's."


def shortcuts(config: Config) -> list[str]:
    """The names of the shortcuts that `config` takes, in the order of WORDS; empty under the clean protocol."""
    taken = {
        "outliers_before_split": bool(config.outliers.get("before_split")),
        "scaling_before_split": bool(config.scaler.get("before_split")),
        "unstratified": not config.split.stratified,
        "exact_duplicates": config.dataset.duplicates is Duplicates.exact,
        "identifiers": config.dataset.identifiers is Identifiers.allow,
    }
    return [name for name in WORDS if taken[name]]


def protocol(taken: Sequence[str]) -> str:
    """`clean`; `identifiers` where those are features; `paper_recipe` with any of the paper's shortcuts alone."""
    if not taken:
        return "clean"
    return OURS if OURS in taken else "paper_recipe"


def tags(config: Config) -> dict[str, str]:
    """A run's tags: `protocol`, and `protocol.shortcuts`, which names those taken, if any."""
    taken = shortcuts(config)
    named = TRANSDUCTIVE if config.adapt.on else protocol(taken)
    return {"protocol": named} | ({"protocol.shortcuts": ",".join(taken)} if taken else {})


def sentences(taken: Sequence[str]) -> list[str]:
    """What the audit says of the shortcuts `taken`: one sentence for the paper's, one for ours."""
    said = []
    if named := ", ".join(WORDS[name] for name in taken if name in PAPERS):
        said.append(f"This run takes the paper's shortcuts: {named}; {NOT_COMPARABLE}")
    if OURS in taken:
        said.append(f"This run has {WORDS[OURS]}, to show what they inflate; {NOT_COMPARABLE}")
    return said
