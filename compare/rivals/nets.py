"""The two architectures in PyTorch, with the names of the official state dicts."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional


def conv(inputs: int, outputs: int) -> nn.Conv2d:
    """Every convolution of these networks: 3×3, zeros around."""
    return nn.Conv2d(inputs, outputs, 3, padding=1)


class SRVGGNetCompact(nn.Module):
    """A chain of convolutions at the input's size; the result is added to the enlarged input."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        body: list[nn.Module] = [conv(3, 64), nn.PReLU(64)]
        for _ in range(depth):
            body += [conv(64, 64), nn.PReLU(64)]
        self.body = nn.Sequential(*body, conv(64, 48))
        self.shuffle = nn.PixelShuffle(4)

    def forward(self, picture: Tensor) -> Tensor:
        return self.shuffle(self.body(picture)) + functional.interpolate(picture, scale_factor=4.0, mode="nearest")


def leaky(x: Tensor) -> Tensor:
    """The activation of RRDBNet."""
    return functional.leaky_relu(x, 0.2)


class DenseBlock(nn.Module):
    """Five convolutions, each over all that came before."""

    def __init__(self) -> None:
        super().__init__()
        for index in range(1, 6):
            setattr(self, f"conv{index}", conv(32 + 32 * index, 64 if index == 5 else 32))

    def forward(self, x: Tensor) -> Tensor:
        one = leaky(self.conv1(x))
        two = leaky(self.conv2(torch.cat((x, one), 1)))
        three = leaky(self.conv3(torch.cat((x, one, two), 1)))
        four = leaky(self.conv4(torch.cat((x, one, two, three), 1)))
        return self.conv5(torch.cat((x, one, two, three, four), 1)) * 0.2 + x


class Block(nn.Module):
    """Three dense blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.rdb1, self.rdb2, self.rdb3 = DenseBlock(), DenseBlock(), DenseBlock()

    def forward(self, x: Tensor) -> Tensor:
        return self.rdb3(self.rdb2(self.rdb1(x))) * 0.2 + x


class RRDBNet(nn.Module):
    """Blocks at the input's size, then twice enlarged by two."""

    def __init__(self, blocks: int) -> None:
        super().__init__()
        self.conv_first = conv(3, 64)
        self.body = nn.Sequential(*(Block() for _ in range(blocks)))
        self.conv_body, self.conv_up1, self.conv_up2 = conv(64, 64), conv(64, 64), conv(64, 64)
        self.conv_hr, self.conv_last = conv(64, 64), conv(64, 3)

    def forward(self, picture: Tensor) -> Tensor:
        first = self.conv_first(picture)
        x = first + self.conv_body(self.body(first))
        x = leaky(self.conv_up1(functional.interpolate(x, scale_factor=2.0, mode="nearest")))
        x = leaky(self.conv_up2(functional.interpolate(x, scale_factor=2.0, mode="nearest")))
        return self.conv_last(leaky(self.conv_hr(x)))


def load(stem: str) -> nn.Module:
    """The network whose tensors are in an .npz file."""
    with np.load(f"{stem}.npz") as file:
        tensors = {name: torch.from_numpy(file[name]) for name in file.files}
    if "conv_first.weight" in tensors:
        net: nn.Module = RRDBNet(1 + max(int(name.split(".")[1]) for name in tensors if name.startswith("body.")))
    else:
        net = SRVGGNetCompact(sum(tensor.dim() == 4 for tensor in tensors.values()) - 2)
    net.load_state_dict(tensors)
    return net.eval().requires_grad_(False)
