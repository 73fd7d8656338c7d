"""Training on one device in one process, whatever the environment says."""

import numpy as np
import pytest
import torch

from iot_ids.models.classifier import Table
from iot_ids.models.networks.recipe import Recipe
from iot_ids.models.networks.training import train_network
from iot_ids.models.spec import Trainer

SLURM = {"SLURM_NTASKS": "4", "SLURM_JOB_ID": "1", "SLURM_JOB_NAME": "x", "SLURM_NNODES": "2", "SLURM_PROCID": "0"}
LSF = {
    "LSB_JOBID": "1",
    "LSB_DJOB_RANKFILE": "/nowhere",
    "JSM_NAMESPACE_LOCAL_RANK": "0",
    "JSM_NAMESPACE_RANK": "0",
    "JSM_NAMESPACE_SIZE": "4",
}


@pytest.mark.parametrize("environment", [SLURM, LSF], ids=["slurm", "lsf"])
def test_a_clusters_scheduler_makes_no_difference(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    plain = trained()
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert torch.equal(trained(), plain)


def trained() -> torch.Tensor:
    """The weights of a linear network after an epoch on eight rows."""
    x = np.arange(16, dtype=np.float32).reshape(8, 2)
    table = Table(x, np.array([0, 1] * 4))
    torch.manual_seed(0)
    network = torch.nn.Linear(2, 2)
    recipe = Recipe.of(Trainer("cpu", "cpu", 1, 4, 1, 0.0), 0.1, 0.0, "constant", "cross_entropy", "none")
    train_network(network, recipe, table, table, 2, 0, lambda *_: None)
    return network.weight.detach()
