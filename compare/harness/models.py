"""The networks: their layers, in the order in which ncnn's files hold them, and what they cost."""

from dataclasses import dataclass
from pathlib import Path

from harness import options, paths


@dataclass(frozen=True)
class Layer:
    """A convolution of 3×3 or a PReLU."""

    name: str
    inputs: int
    outputs: int
    kind: str = "conv"
    scale: int = 1
    """How many times wider its picture is than the input."""


@dataclass(frozen=True)
class Model:
    """A network with official weights."""

    name: str
    title: str
    compact: bool
    """SRVGGNetCompact, else RRDBNet."""
    depth: int
    """Body convolutions of a compact net, blocks of an RRDBNet."""
    built_in: bool
    """Whether our programs know it by its name."""

    def layers(self) -> list[Layer]:
        """All layers with weights."""
        return compact_layers(self.depth) if self.compact else rrdb_layers(self.depth)

    def flops(self, size: options.Size) -> float:
        """Twice the multiply-adds of the convolutions as written, for a frame."""
        convs = [layer for layer in self.layers() if layer.kind == "conv"]
        return 2.0 * 9 * size[0] * size[1] * sum(c.inputs * c.outputs * c.scale**2 for c in convs)

    @property
    def stem(self) -> Path:
        """The path of its files, without their endings: .param, .bin, .npz, .onnx."""
        return paths.WORK / "models" / self.name

    @property
    def argument(self) -> str:
        """What our programs are given."""
        return self.name if self.built_in else f"{self.stem}.param"


def compact_layers(depth: int) -> list[Layer]:
    """3→64, then `depth` times 64→64, with PReLU after each, and 64→48."""
    layers = []
    for i in range(depth + 1):
        layers.append(Layer(f"body.{2 * i}", 3 if i == 0 else 64, 64))
        layers.append(Layer(f"body.{2 * i + 1}", 64, 64, kind="prelu"))
    return [*layers, Layer(f"body.{2 * depth + 2}", 64, 48)]


def rrdb_layers(blocks: int) -> list[Layer]:
    """Three dense blocks of five convolutions in a block, growth 32, twice enlarged at the end."""
    layers = [Layer("conv_first", 3, 64)]
    for block in range(blocks):
        for dense in (1, 2, 3):
            for conv in range(1, 6):
                name = f"body.{block}.rdb{dense}.conv{conv}"
                layers.append(Layer(name, 32 + 32 * conv, 64 if conv == 5 else 32))
    return [
        *layers,
        Layer("conv_body", 64, 64),
        Layer("conv_up1", 64, 64, scale=2),
        Layer("conv_up2", 64, 64, scale=4),
        Layer("conv_hr", 64, 64, scale=4),
        Layer("conv_last", 64, 3, scale=4),
    ]


ALL = {
    model.name: model
    for model in (
        Model("realesr-general-x4v3", "SRVGGNetCompact, 34 convolutions", True, 32, True),
        Model("realesr-animevideov3", "SRVGGNetCompact, 18 convolutions", True, 16, True),
        Model("realesrgan-x4plus-anime", "RRDBNet, 6 blocks", False, 6, False),
        Model("realesrgan-x4plus", "RRDBNet, 23 blocks", False, 23, False),
    )
}
