"""Multilayer perceptrons: images to the raw parameters of a latent, and latents to those of an observation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812


class MLP(nn.Sequential):
    """Linear layers with ReLU in between, Glorot-uniform weights and zero biases.

    Args:
        widths: Number of features of input, hidden layers and output, at least two, each at least 1.
        final_activation: Whether the output passes a ReLU too.

    Raises:
        ValueError: If there are fewer than two widths, or one is below 1.

    Example:
        >>> MLP((4, 8, 2))(torch.ones(5, 4)).shape
        torch.Size([5, 2])
    """

    def __init__(self, widths: Sequence[int], final_activation: bool = False) -> None:
        widths = list(widths)
        if len(widths) < 2 or min(widths) < 1:
            raise ValueError(f"widths must be at least two numbers of at least 1, got {widths}")
        layers: list[nn.Module] = []
        for width, following in pairwise(widths):
            layers += [nn.Linear(width, following), nn.ReLU()]
        super().__init__(*(layers if final_activation else layers[:-1]))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws Glorot-uniform weights and zero biases."""
        for layer in self:
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)


class Scale(nn.Module):
    """Multiplies its input by a constant.

    In front of a decoder, with sqrt(m), it gives the coordinates of unit vectors in R^m the unit second moment that
    those of a standard normal latent have, which layers with Glorot's initial weights expect.

    Args:
        factor: The constant, finite.

    Raises:
        ValueError: If ``factor`` is not finite.

    Example:
        >>> decoder = nn.Sequential(Scale(3**0.5), MLP((3, 8, 64)))
        >>> decoder(torch.eye(3)).shape
        torch.Size([3, 64])
    """

    def __init__(self, factor: float) -> None:
        super().__init__()
        if not math.isfinite(factor):
            raise ValueError(f"factor must be finite, got {factor}")
        self.factor = factor

    def extra_repr(self) -> str:
        """The constant, for ``repr``."""
        return f"factor={self.factor}"

    def forward(self, x: Tensor) -> Tensor:
        """Scales a tensor of any shape."""
        return self.factor * x


class ParallelLinear(nn.ModuleList):
    """Linear layers on the same input, each with Glorot-uniform weights of its own, computed as one.

    Args:
        in_features: Number of input features F.
        out_features: Width of each output.

    Example:
        >>> first, second = ParallelLinear(4, (2, 3))(torch.ones(5, 4))
        >>> first.shape, second.shape
        (torch.Size([5, 2]), torch.Size([5, 3]))
    """

    def __init__(self, in_features: int, out_features: Sequence[int]) -> None:
        super().__init__(MLP((in_features, width)) for width in out_features)
        self.widths = list(out_features)

    def reset_parameters(self) -> None:
        """Draws Glorot-uniform weights and zero biases."""
        for layer in self:
            layer.reset_parameters()  # type: ignore[operator]

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Maps [..., F] to one tensor [..., out_features[i]] for each output."""
        layers: list[nn.Linear] = [layer[0] for layer in self]  # type: ignore[index]
        # One product of matrices: its gradient in x is one product too, instead of a sum of several.
        weight = torch.cat([layer.weight for layer in layers])
        bias = torch.cat([layer.bias for layer in layers])
        return F.linear(x, weight, bias).split(self.widths, dim=-1)


class MLPEncoder(nn.Module):
    """Hidden layers with ReLU, then one linear layer for each parameter of a latent distribution.

    Args:
        in_features: Number of input features F.
        hidden_features: Widths of the hidden layers, at least one.  (256, 128) is the paper's choice for MNIST.
        out_features: Width of each parameter, see ``LatentHead.parameter_widths``.

    Raises:
        ValueError: If there is no hidden layer or no parameter, or a width is below 1.

    Example:
        >>> import torch
        >>> direction, concentration = MLPEncoder(784, (256, 128), (11, 1))(torch.rand(5, 784))
        >>> direction.shape, concentration.shape
        (torch.Size([5, 11]), torch.Size([5, 1]))
    """

    def __init__(self, in_features: int, hidden_features: Sequence[int], out_features: Sequence[int]) -> None:
        super().__init__()
        if not out_features or min(out_features) < 1:
            raise ValueError(f"out_features must hold at least one width of at least 1, got {list(out_features)}")
        self.trunk = MLP((in_features, *hidden_features), final_activation=True)
        self.outputs = ParallelLinear(hidden_features[-1], out_features)

    def reset_parameters(self) -> None:
        """Draws Glorot-uniform weights and zero biases."""
        self.trunk.reset_parameters()
        self.outputs.reset_parameters()

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Encodes vectors.

        Args:
            x: Shape [..., F].

        Returns:
            One tensor per parameter, shape [..., out_features[i]], unconstrained.
        """
        return self.outputs(self.trunk(x))


class ClassConditionalMLP(nn.Module):
    """A vector and a class to the raw parameters of a distribution: one hidden layer with ReLU on both, side by side.

    hidden = ReLU(W z + U[y] + b), which is a linear layer on z and a one-hot y; parameter_i = V_i hidden + c_i.

    Args:
        in_features: Number of features F of the vector.
        num_classes: Number of classes K.
        hidden_features: Width of the hidden layer.
        out_features: Width of each parameter.

    Raises:
        ValueError: If a width is below 1.

    Example:
        >>> network = ClassConditionalMLP(4, num_classes=3, hidden_features=8, out_features=(5, 1))
        >>> direction, concentration = network(torch.ones(2, 4), torch.tensor([0, 2]))
        >>> direction.shape, concentration.shape
        (torch.Size([2, 5]), torch.Size([2, 1]))
    """

    def __init__(self, in_features: int, num_classes: int, hidden_features: int, out_features: Sequence[int]) -> None:
        super().__init__()
        widths = (in_features, num_classes, hidden_features, *out_features)
        if min(widths) < 1 or not out_features:
            raise ValueError(
                f"widths must be at least 1, got in_features={in_features}, num_classes={num_classes}, "
                f"hidden_features={hidden_features}, out_features={list(out_features)}"
            )
        self.of_vector = nn.Linear(in_features, hidden_features)
        self.of_class = nn.Embedding(num_classes, hidden_features)
        self.outputs = ParallelLinear(hidden_features, out_features)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws Glorot-uniform weights, as of one layer on both inputs, and zero biases."""
        fan_in = self.of_vector.in_features + self.of_class.num_embeddings
        bound = math.sqrt(6 / (fan_in + self.of_vector.out_features))
        nn.init.uniform_(self.of_vector.weight, -bound, bound)
        nn.init.uniform_(self.of_class.weight, -bound, bound)
        nn.init.zeros_(self.of_vector.bias)
        self.outputs.reset_parameters()

    def forward(self, z: Tensor, y: Tensor) -> tuple[Tensor, ...]:
        """Maps vectors and classes, whose batch shapes are broadcast.

        Args:
            z: Shape [..., F].
            y: Classes 0 to K - 1, int64 [...].

        Returns:
            One tensor per parameter, shape [..., out_features[i]], unconstrained.
        """
        return self.outputs(F.relu(self.of_vector(z) + self.of_class(y)))
