"""Numbers outside their range, told before training begins. Light, so that a typing error need not wait for PyTorch."""

from iot_ids.errors import UserError
from iot_ids.models.spec import Trainer


def at_least_one(counts: dict[str, int]) -> None:
    """Refuse a count below 1, by its key."""
    for key, count in counts.items():
        if count < 1:
            raise UserError(f"{key}={count} has to be at least 1")


def check_trainer(trainer: Trainer) -> None:
    """Refuse a trainer that could not take a step."""
    at_least_one(
        {
            "trainer.max_epochs": trainer.max_epochs,
            "trainer.batch_size": trainer.batch_size,
            "trainer.patience": trainer.patience,
            "trainer.threads": 1 if trainer.threads is None else trainer.threads,
        }
    )
