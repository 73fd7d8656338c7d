"""The training settings that all networks share."""

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
        """Build a recipe from the settings of a model and a trainer.

        Raises:
            UserError: a value would make training fail.
        """
        recipe = cls(learning_rate, weight_decay, Schedule(schedule), Loss(loss), ClassWeights(class_weights), trainer)
        recipe.check()
        return recipe

    def check(self) -> None:
        """Raise a UserError for values that would only fail during training."""
        trainer = self.trainer
        check_trainer(trainer)
        if not self.learning_rate > 0:
            raise UserError(f"model.learning_rate={self.learning_rate} must be above 0")
        shares = {"model.weight_decay": self.weight_decay, "trainer.gradient_clip": trainer.gradient_clip}
        for key, share in shares.items():
            if not share >= 0:
                raise UserError(f"{key}={share} must be at least 0")
        if trainer.accelerator not in ("auto", "cpu", "gpu"):
            raise UserError(f"trainer.accelerator={trainer.accelerator} must be auto, cpu or gpu")
        if trainer.accelerator == "gpu" and not (torch.cuda.is_available() or torch.backends.mps.is_available()):
            raise UserError("trainer=gpu: PyTorch finds no GPU on this machine; use trainer=cpu or trainer=auto")
