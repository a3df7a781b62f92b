"""Real clips: cut, and looked at."""

from dataclasses import dataclass
from pathlib import Path

from harness import children, paths
from harness.options import Size

LOG = paths.WORK / "ffmpeg.log"
# Name, file, filter.
SOURCES = [("bikes", "bikes.mp4", "null"), ("bigbuckbunny", "bigbuckbunny.mp4", "scale=640:360:flags=lanczos")]


@dataclass(frozen=True)
class Clip:
    """The beginning of a film, without sound."""

    name: str
    path: Path
    size: Size
    frames: int
    rate: str


def cut(frames: int) -> list[Clip]:
    """The first frames of each source, hardly compressed. RuntimeError where the sources are not there."""
    clips = []
    for name, file, filters in SOURCES:
        source = paths.clips() / file
        if not source.exists():
            raise RuntimeError(f"there is no {source}: set UPSCALED_TEST_DATA to the folder with clips/public/{file}")
        path = paths.WORK / f"{name}-{frames}.mp4"
        encode = ["-frames:v", str(frames), "-an", "-vf", filters, "-c:v", "libx264", "-crf", "10"]
        children.run(["ffmpeg", "-v", "error", "-y", "-i", source, *encode, path], LOG)
        size, count = probe(path)
        rate = show(path, "stream=r_frame_rate")[0]
        clips.append(Clip(name, path, size, count, rate))
    return clips


def probe(path: Path) -> tuple[Size, int]:
    """Size and number of frames, counted."""
    width, height, frames = show(path, "stream=width,height,nb_read_packets", "-count_packets")
    return (int(width), int(height)), int(frames)


def show(path: Path, entries: str, *more: str) -> list[str]:
    """What ffprobe says of the first video stream."""
    what = ["-select_streams", "v:0", "-show_entries", entries, "-of", "csv=p=0", *more]
    return children.run(["ffprobe", "-v", "error", *what, path], LOG).strip().strip(",").split(",")


def psnr(path: Path, reference: Path) -> float:
    """Decibels between two videos, over all planes."""
    log = paths.WORK / "psnr.log"
    children.run(["ffmpeg", "-i", path, "-i", reference, "-lavfi", "[0:v][1:v]psnr", "-f", "null", "-"], log)
    average = log.read_text().rsplit("average:", 1)[-1].split()[0]
    return float(average)
