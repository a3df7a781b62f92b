"""The command line."""

import argparse
from dataclasses import dataclass
from pathlib import Path

Size = tuple[int, int]
MODELS = ("realesr-general-x4v3", "realesr-animevideov3", "realesrgan-x4plus-anime", "realesrgan-x4plus")
LIGHT = MODELS[:2]
LARGE: list[Size] = [(320, 180), (640, 360), (1280, 720)]
SMALL: list[Size] = [(160, 90), (320, 180)]


@dataclass(frozen=True)
class Options:
    """What is asked for."""

    quick: bool
    cases: list[tuple[str, Size]]
    """Models and the sizes of their input."""
    rounds: int
    seconds: float
    only: str | None
    upscaled: Path | None

    @property
    def models(self) -> list[str]:
        """The models of the cases, each once."""
        return list(dict.fromkeys(model for model, _ in self.cases))

    @property
    def clip_frames(self) -> int:
        """Frames of a clip: two seconds."""
        return 6 if self.quick else 50

    @property
    def pipeline_rounds(self) -> int:
        """Whole videos take longer and are steadier than frames."""
        return max(1, self.rounds // 2)


def size(text: str) -> Size:
    """Reads WIDTHxHEIGHT."""
    try:
        width, height = (int(number) for number in text.lower().replace("×", "x").split("x"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is not of the form WIDTHxHEIGHT") from None
    if min(width, height) < 8:
        raise argparse.ArgumentTypeError(f"{text} is too small: 8x8 is the least")
    return width, height


def case(text: str) -> tuple[str, Size]:
    """Reads MODEL@WIDTHxHEIGHT."""
    model, _, of_size = text.partition("@")
    if model not in MODELS:
        raise argparse.ArgumentTypeError(f"{model} is none of {', '.join(MODELS)}")
    return model, size(of_size)


def usual_sizes(model: str, full: bool) -> list[Size]:
    """The sizes that are measured when none are named: light models afford larger pictures."""
    return LARGE if full or model in LIGHT else SMALL


def parse(arguments: list[str]) -> Options:
    """Reads the command line; leaves the program with a message if it is wrong."""
    parser = argparse.ArgumentParser(
        prog="compare/run", description="Compares the speed of upscaled with that of other programs on this machine."
    )
    parser.add_argument("--quick", action="store_true", help="one model, one size, 2 short rounds: a try, not a result")
    parser.add_argument("--full", action="store_true", help="the large sizes for the large models too (hours)")
    parser.add_argument("--models", nargs="+", choices=MODELS, metavar="NAME", help=f"of {', '.join(MODELS)}")
    parser.add_argument("--sizes", nargs="+", type=size, metavar="WxH", help="sizes of input pictures")
    parser.add_argument(
        "--cases", nargs="+", type=case, metavar="NAME@WxH", help="models with a size each, instead of --models and --sizes"
    )
    parser.add_argument("--rounds", type=int, metavar="N", help="rounds; whole videos get half as many (default: 7)")
    parser.add_argument("--seconds", type=float, metavar="S", help="least time of an engine in a round (default: 4)")
    parser.add_argument("--only", choices=("engines", "pipelines"), help="one of the two parts (default: both)")
    parser.add_argument("--upscaled", type=Path, metavar="FILE", help="this program instead of building it")
    given = parser.parse_args(arguments)
    if given.cases and (given.models or given.sizes):
        parser.error("--cases stands instead of --models and --sizes")
    quick = given.quick
    models = given.models or (["realesr-animevideov3"] if quick else MODELS)
    sizes = given.sizes or ([(320, 180)] if quick else None)
    usual = [(model, size) for model in models for size in sizes or usual_sizes(model, given.full)]
    return Options(
        quick=quick,
        cases=given.cases or usual,
        rounds=max(1, given.rounds or (2 if quick else 7)),
        seconds=given.seconds or (0.5 if quick else 4.0),
        only=given.only,
        upscaled=given.upscaled.resolve() if given.upscaled else None,
    )
