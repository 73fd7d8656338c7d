"""How a network is trained, apart from its shape and its data: the same for every network."""

from dataclasses import dataclass

import torch

from iot_ids.common.errors import UserError
from iot_ids.models.spec import ClassWeights, Loss, Schedule, Trainer, check_trainer


@dataclass(frozen=True)
class Recipe:
    """The settings of `model` that all networks share, and those of `trainer`."""

    learning_rate: float
    weight_decay: float
    schedule: Schedule
    loss: Loss
    class_weights: ClassWeights
    trainer: Trainer

    @classmethod
    def of(
        cls, trainer: Trainer, learning_rate: float, weight_decay: float, schedule: str, loss: str, class_weights: str
    ) -> "Recipe":
        """The recipe that a model's file and a trainer's spell out.

        Raises:
            UserError: a value with which training would only fail once it has begun.
        """
        recipe = cls(learning_rate, weight_decay, Schedule(schedule), Loss(loss), ClassWeights(class_weights), trainer)
        recipe.check()
        return recipe

    def check(self) -> None:
        """Refuse what would only fail once training has begun."""
        trainer = self.trainer
        check_trainer(trainer)
        if not self.learning_rate > 0:
            raise UserError(f"model.learning_rate={self.learning_rate} has to be above 0")
        shares = {"model.weight_decay": self.weight_decay, "trainer.gradient_clip": trainer.gradient_clip}
        for key, share in shares.items():
            if not share >= 0:
                raise UserError(f"{key}={share} has to be at least 0")
        if trainer.accelerator not in ("auto", "cpu", "gpu"):
            raise UserError(f"trainer.accelerator={trainer.accelerator} is none of auto, cpu, gpu")
        if trainer.accelerator == "gpu" and not (torch.cuda.is_available() or torch.backends.mps.is_available()):
            raise UserError("trainer=gpu: PyTorch finds no GPU on this machine; use trainer=cpu or trainer=auto")
