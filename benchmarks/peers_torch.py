"""The usual way to train SimGAN in PyTorch: an eager loop.

It needs PyTorch and NumPy alone, in an environment of its own: see `requirements.txt`.
"""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from benchmarks.rounds import History, noise, report_round
from simgan_lib.config import Config

REAL, REFINED = 0, 1


class Block(nn.Module):
    """A residual block of R."""

    def __init__(self, filters: int):
        super().__init__()
        self.first = nn.Conv2d(filters, filters, 3, padding=1)
        self.second = nn.Conv2d(filters, filters, 3, padding=1)

    def forward(self, x):
        """Adds what two convolutions learn."""
        return functional.relu(x + self.second(functional.relu(self.first(x))))


def build_refiner(filters: int) -> nn.Module:
    """Builds R."""
    blocks = [Block(filters) for _ in range(4)]
    first, last = nn.Conv2d(1, filters, 3, padding=1), nn.Conv2d(filters, 1, 1)
    return nn.Sequential(first, nn.ReLU(), *blocks, last, nn.Tanh())


def build_discriminator() -> nn.Module:
    """Builds D."""
    return nn.Sequential(
        nn.Conv2d(1, 96, 3, stride=2, padding=1),
        nn.ReLU(),
        # Keras's "same" puts the odd pixel at the end of these 18x28 maps.
        nn.ZeroPad2d((0, 1, 0, 1)),
        nn.Conv2d(96, 64, 3, stride=2),
        nn.ReLU(),
        nn.MaxPool2d(3, stride=1, padding=1),
        nn.Conv2d(64, 32, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(32, 32, 1),
        nn.ReLU(),
        nn.Conv2d(32, 2, 1),
    )


class UsualTorch:
    """R and D as the usual eager loop trains them; bfloat16 is PyTorch's mixed precision."""

    def __init__(self, config: Config):
        torch.manual_seed(0)
        self.config = config
        # Images lie in memory as Keras's do, and Adam updates all weights in one call.
        self.refiner = build_refiner(config.filters).to(memory_format=torch.channels_last)
        self.discriminator = build_discriminator().to(memory_format=torch.channels_last)
        rates = (config.refiner_learning_rate, config.discriminator_learning_rate)
        self.optimizers = {
            network: torch.optim.Adam(
                network.parameters(), rate, (config.beta_1, 0.999), eps=1e-7, fused=True
            )
            for network, rate in zip((self.refiner, self.discriminator), rates, strict=True)
        }
        self.history, self.rng = History(config.buffer_size), np.random.default_rng(0)

    def update_refiner(self, synthetic) -> float:
        """Takes one step of R and returns L_R."""
        # Nobody asks for D's gradients here.
        self.discriminator.requires_grad_(False)
        with self._autocast():
            refined = self.refiner(synthetic)
            adversarial = self._cross_entropy(self.discriminator(refined), REAL)
            kept = functional.l1_loss(refined.float(), synthetic)
            loss = adversarial + self.config.lambda_mean * kept
        self._step(self.refiner, loss)
        self.discriminator.requires_grad_(True)
        return loss.item()

    def update_discriminator(self, synthetic, real) -> float:
        """Refines a batch, replaces half of it from the history, takes one step, returns L_D."""
        with torch.no_grad(), self._autocast():
            refined = self.refiner(synthetic).float()
        self.history.mix(refined.numpy())  # the same memory
        return self.train_discriminator(real, refined)

    def train_discriminator(self, real, refined) -> float:
        """Takes one step of D on both batches and returns L_D."""
        with self._autocast():
            loss = self._cross_entropy(self.discriminator(real), REAL)
            loss = loss + self._cross_entropy(self.discriminator(refined), REFINED)
        self._step(self.discriminator, loss)
        return loss.item()

    def round(self, synthetic, real) -> float:
        """Takes all updates of a round, on uint8 images, and returns the last L_D."""
        self.update_refiner(self._draw(synthetic))
        for _ in range(self.config.discriminator_updates):
            loss = self.update_discriminator(self._draw(synthetic), self._draw(real))
        return loss

    def _draw(self, images):
        """Draws a batch, scales it to [-1, 1] and adds the channel axis."""
        drawn = images[self.rng.integers(0, len(images), self.config.batch_size)]
        scaled = torch.from_numpy(drawn).float()[:, None] / 127.5 - 1.0
        return scaled.to(memory_format=torch.channels_last)

    def _autocast(self):
        return torch.autocast("cpu", torch.bfloat16, enabled=self.config.precision == "bfloat16")

    def _cross_entropy(self, logits, label):
        shape = (logits.shape[0], *logits.shape[2:])
        return functional.cross_entropy(logits.float(), torch.full(shape, label))

    def _step(self, network, loss):
        optimizer = self.optimizers[network]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()


def work(turns, smoke: bool, precision: str) -> None:
    """Trains a round a turn."""
    peer, data = UsualTorch(report_round(smoke, precision)), noise(2048)
    counts = [sum(p.numel() for p in network.parameters()) for network in peer.optimizers]
    turns.serve(lambda: {"discriminator_loss": peer.round(*data)}, parameters=counts)
