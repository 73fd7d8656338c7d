"""What the reproduced paper claims, quoted, and what in it does not add up.

Aqeel, Qasem, Ali, "Improve Detecting Anomalies in IoT Networks Using Artificial Intelligence and Deep Recurrent Neural
Networks" (2026). Its rates are accuracies, whatever their headings say: they stand beside our accuracy, never beside a
detection rate.
"""

from dataclasses import dataclass

MARK = "†"


@dataclass(frozen=True)
class Claim:
    """An accuracy that the paper prints, in percent as printed, for a model, and for a selector where it names one."""

    model: str
    percent: str
    source: str
    selector: str | None = None


CLAIMS = (
    Claim("gru", "99.97", "this paper", "pearson"),
    Claim("svm", "99.11", "reference 15"),
    Claim("mlp", "99.40", "reference 15"),
    Claim("knn", "99.73", "reference 15"),
    Claim("rnn", "99.93", "reference 16"),
    Claim("lstm", "99", "reference 16"),
    Claim("knn", "97", "reference 16"),
    Claim("svm", "78", "reference 16"),
    Claim("naive_bayes", "99.97", "reference 16"),
)
FOOTNOTE = (
    "Quoted from Aqeel, Qasem and Ali (2026), not measured here; claimed for BoT-IoT, as accuracy. What does not "
    "add up there: rows were cleaned and scaled before the split, so both depend on test rows. There are three "
    "headline accuracies: 98.97, 98.99 and 99.97. The F1 of DDoS, 99.99, lies above its precision and its recall, "
    "which is impossible; the other rows are inconsistent, too. Its references 15 and 16 are about other subjects, so "
    "the figures of all methods except the GRU have no traceable source. By its counts the class called DoS is "
    "probably mostly Reconnaissance (an inference). In its test set a constant answer scores 99.93 % "
    "(attack against normal) or 83.85 % (three classes)."
)


def claimed(model: str, selector: str) -> str:
    """The claims for a method, marked: `99.73†, 97†`; empty where there is none."""
    return ", ".join(
        f"{claim.percent}{MARK}"
        for claim in CLAIMS
        if (model == claim.model or model.startswith(f"{claim.model}_")) and claim.selector in (None, selector)
    )
