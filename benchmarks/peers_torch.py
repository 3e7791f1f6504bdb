"""The usual way to train SimGAN in PyTorch: an eager loop.

It needs PyTorch and NumPy alone, in an environment of its own: see `requirements.txt`.
"""

import json
import sys

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from benchmarks.problem import BETA_1, LAMBDA, LEARNING_RATE, History, Problem

REAL, REFINED = 0, 1


class Same(nn.Module):
    """A convolution with the padding that Keras calls "same", at any stride."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride)
        self.kernel, self.stride = kernel, stride

    def forward(self, x):
        """Pads as much as the stride needs, the odd pixel at the end, and convolves."""
        pads = []
        for size in (x.shape[3], x.shape[2]):
            needed = max((-(-size // self.stride) - 1) * self.stride + self.kernel - size, 0)
            pads += [needed // 2, needed - needed // 2]
        if len(set(pads)) == 1:
            conv = self.conv
            return functional.conv2d(x, conv.weight, conv.bias, conv.stride, pads[0])
        return self.conv(functional.pad(x, pads))


class Block(nn.Module):
    """A residual block of R."""

    def __init__(self, filters: int):
        super().__init__()
        self.first, self.second = Same(filters, filters, 3), Same(filters, filters, 3)

    def forward(self, x):
        """Adds what two convolutions learn."""
        return functional.relu(x + self.second(functional.relu(self.first(x))))


def build_refiner(filters: int) -> nn.Module:
    """Builds R."""
    blocks = [Block(filters) for _ in range(4)]
    return nn.Sequential(Same(1, filters, 3), nn.ReLU(), *blocks, Same(filters, 1, 1), nn.Tanh())


def build_discriminator() -> nn.Module:
    """Builds D."""
    layers = [Same(1, 96, 3, 2), nn.ReLU(), Same(96, 64, 3, 2), nn.ReLU(), nn.MaxPool2d(3, 1, 1)]
    layers += [Same(64, 32, 3), nn.ReLU(), Same(32, 32, 1), nn.ReLU(), Same(32, 2, 1)]
    return nn.Sequential(*layers)


class UsualTorch:
    """R and D as the usual eager loop trains them.

    Args:
        problem: The round.
        precision: `"float32"`, or `"bfloat16"` for PyTorch's automatic mixed precision.
    """

    def __init__(self, problem: Problem, precision: str = "float32"):
        torch.manual_seed(0)
        self.problem, self.mixed = problem, precision == "bfloat16"
        # Images lie in memory as Keras's do, and Adam updates all weights in one call.
        self.refiner = build_refiner(problem.filters).to(memory_format=torch.channels_last)
        self.discriminator = build_discriminator().to(memory_format=torch.channels_last)
        self.optimizers = {
            network: torch.optim.Adam(
                network.parameters(), LEARNING_RATE, (BETA_1, 0.999), eps=1e-7, fused=True
            )
            for network in (self.refiner, self.discriminator)
        }
        self.history, self.rng = History(problem.buffer_size), np.random.default_rng(0)

    def load(self, weights: dict[str, list[np.ndarray]]) -> None:
        """Takes Keras's weights, kernels and biases in the order of the layers."""
        for name, arrays in weights.items():
            with torch.no_grad():
                parameters = getattr(self, name).parameters()
                for parameter, array in zip(parameters, arrays, strict=True):
                    value = torch.from_numpy(array)
                    parameter.copy_(value.permute(3, 2, 0, 1) if value.ndim == 4 else value)

    def update_refiner(self, synthetic) -> float:
        """Takes one step of R and returns L_R."""
        # Nobody asks for D's gradients here.
        self.discriminator.requires_grad_(False)
        with self._autocast():
            refined = self.refiner(synthetic)
            adversarial = self._cross_entropy(self.discriminator(refined), REAL)
            loss = adversarial + LAMBDA * functional.l1_loss(refined.float(), synthetic)
        self._step(self.refiner, loss)
        self.discriminator.requires_grad_(True)
        return loss.item()

    def update_discriminator(self, synthetic, real) -> float:
        """Refines a batch, replaces half of it from the history, takes one step, returns L_D."""
        with torch.no_grad(), self._autocast():
            refined = self.refiner(synthetic).float()
        half = len(refined) // 2
        past = self.history.sample(half)
        self.history.push(refined[:half].numpy())
        if past is not None:
            refined[half:] = torch.from_numpy(past)
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
        for _ in range(self.problem.discriminator_updates):
            loss = self.update_discriminator(self._draw(synthetic), self._draw(real))
        return loss

    def images(self, images: np.ndarray) -> torch.Tensor:
        """Scales uint8 `(n, height, width)` to [-1, 1] and adds the channel axis."""
        scaled = torch.from_numpy(images).float()[:, None] / 127.5 - 1.0
        return scaled.to(memory_format=torch.channels_last)

    def _draw(self, images):
        return self.images(images[self.rng.integers(0, len(images), self.problem.batch)])

    def _autocast(self):
        return torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.mixed)

    def _cross_entropy(self, logits, label):
        shape = (logits.shape[0], *logits.shape[2:])
        return functional.cross_entropy(logits.float(), torch.full(shape, label))

    def _step(self, network, loss):
        optimizer = self.optimizers[network]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()


def parameters(network: nn.Module) -> int:
    """Counts the parameters of a network."""
    return sum(parameter.numel() for parameter in network.parameters())


if __name__ == "__main__":
    from benchmarks.workers import Turns

    options = json.loads(sys.argv[1])
    precision = options.pop("precision")
    peer = UsualTorch(Problem(**options), precision)
    data = peer.problem.data()
    Turns(parameters=[parameters(peer.refiner), parameters(peer.discriminator)]).serve(
        lambda: {"discriminator_loss": peer.round(*data)}
    )
