# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""The main job, step by step, against `nacre emulator` with 20 ms latency, and the same steps with Rasterio.

Run by `./dev demo`. Each line: the step, its time, its requests and bytes as the server counted them, and what came
of it.
"""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import tempfile
import time
import warnings
from typing import Any, Callable

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import scene
from bucket_server import BucketServer

ROOT = pathlib.Path(__file__).resolve().parent.parent
NACRE = ROOT / "build" / "nacre"
SIZE = 3072
SOURCE, VIEW = "data/scene.tif", "data/scene_3857.vrt"
COPY = "data/copy.vrt"  # of the view, by another client


class Column:
    """Runs steps one after another and prints a line each; a failure is shown as it is and the next step runs."""

    def __init__(self, server: BucketServer) -> None:
        self.server = server
        self.wrong: list[str] = []  # steps that did not come as they should

    def step(
        self, title: str, work: Callable[[], Any], tell: Callable[[Any], str] = str, refused: type | None = None
    ) -> Any:
        """Gives what `work` gives; `refused`: the exception that is right here."""
        self.server.take_log()
        began = time.perf_counter()
        result, outcome, raised = None, "", None
        try:
            result = work()
            outcome = tell(result)
        except Exception as error:  # noqa: BLE001: the demo shows whatever comes
            outcome, raised = f"{type(error).__name__}: {error}", type(error)
        elapsed = (time.perf_counter() - began) * 1000
        log = self.server.take_log()
        received = sum(entry["bytes"] for entry in log)
        print(f"  {title:<48} {elapsed:7.0f} ms  {len(log):3d} requests {received:10,d} bytes   {outcome}", flush=True)
        if raised is not refused:
            self.wrong.append(title)
        return result


def official_client(url: str) -> Any:
    """Google's own client, pointed at the emulator."""
    os.environ["STORAGE_EMULATOR_HOST"] = url
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import storage

    return storage.Client(project="demo", credentials=AnonymousCredentials()).bucket("demo")


def copy_by_another_client(bucket: Any) -> str:
    """A second view beside the first; says what the client sees."""
    bucket.blob(COPY).upload_from_string(bucket.blob(VIEW).download_as_bytes())
    return f"it sees the object: {bucket.blob(COPY).exists()}"


def make_scenes(folder: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
    """The scene and a darker one of the same place, as COGs with overviews."""
    heights = scene.terrain(SIZE, seed=1)
    made = []
    for name, light in (("scene", 1.0), ("later", 0.6)):
        plain, cog = folder / f"{name}.plain.tif", folder / f"{name}.tif"
        scene.write_geotiff(plain, scene.picture(heights, light))
        subprocess.run([NACRE, "convert", "-q", "--overwrite", "--co", "COMPRESS=DEFLATE", plain, cog], check=True)
        plain.unlink()
        made.append(cog)
    return made[0], made[1]


def shape_and_mean(pixels: Any) -> str:
    return f"{'x'.join(map(str, pixels.shape))}, mean {pixels.mean():.2f}"


def with_nacre(server: BucketServer, bucket: Any, later: pathlib.Path, preview: pathlib.Path) -> list[str]:
    """The steps with nacre; those that did not come as they should."""
    import nacre
    from nacre.enums import Resampling
    from nacre.vrt import WarpedVRT

    print(f"\nnacre {nacre.__version__}")
    column = Column(server)
    source_path, view_path = f"gs://demo/{SOURCE}", f"gs://demo/{VIEW}"
    window = nacre.windows.Window(700, 700, 256, 256)

    source = column.step(f"open {SOURCE}", lambda: nacre.open(source_path), lambda d: f"{d.width}x{d.height} {d.crs}")
    view = column.step(
        "make the EPSG:3857 view of it",
        lambda: WarpedVRT(source, crs="EPSG:3857", resampling=Resampling.bilinear),
        lambda d: f"{d.width}x{d.height}",
    )
    column.step(
        f"save it beside the source, as {VIEW}",
        lambda: nacre.shutil.copy(view, view_path, driver="VRT"),
        lambda _: f"{bucket.blob(VIEW).exists() and 'another client sees it'}",
    )
    reopened = column.step("open that in the same process", lambda: nacre.open(view_path), lambda d: f"{d.width}x{d.height} {d.crs}")
    column.step("read 256 x 256 of it", lambda: reopened.read(window=window), shape_and_mean)
    column.step("read them again", lambda: reopened.read(window=window), shape_and_mean)
    code = f"import nacre; print(nacre.open({view_path!r}).read(1, out_shape=(64, 64)).mean())"
    column.step(
        "open and read it in a second process",
        lambda: subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip(),
        lambda text: f"mean {float(text):.2f}",
    )

    column.step(f"another client copies it to {COPY}", lambda: copy_by_another_client(bucket))
    column.step("open that in the same process", lambda: nacre.open(view_path.replace(VIEW, COPY)), lambda d: f"{d.width}x{d.height} {d.crs}")

    def save_longer() -> Any:
        other = WarpedVRT(source, crs="EPSG:4326", resampling=Resampling.cubic, add_alpha=True)
        nacre.shutil.copy(other, view_path, driver="VRT")
        return nacre.open(view_path)

    longer = column.step("save a longer view over it, open that", save_longer, lambda d: f"{d.width}x{d.height} {d.crs} {d.count} bands")
    column.step("read 256 x 256 of that", lambda: longer.read(window=window), shape_and_mean)

    def picture() -> Any:
        nacre.shutil.copy(WarpedVRT(nacre.open(source_path), crs="EPSG:3857", width=768, height=768), preview, driver="PNG")
        return preview

    column.step("a preview of the view, as PNG", picture)
    before = column.step("read 256 x 256 of the source", lambda: source.read(window=window), shape_and_mean)
    column.step(
        "another client overwrites the source",
        lambda: bucket.blob(SOURCE).upload_from_filename(str(later), content_type="image/tiff"),
        lambda _: "",
    )
    nacre.cache.invalidate_all()  # so that the pinned reader has to ask, and cannot give what it kept
    changed = nacre.errors.ObjectChangedError
    column.step("the reader that was open refuses", lambda: source.read(window=window), shape_and_mean, changed)
    newer = "a new open sees the new pixels"
    after = column.step(newer, lambda: nacre.open(source_path).read(window=window), shape_and_mean)
    if after is not None and after.mean() > 0.8 * before.mean():  # the later scene has 0.6 of the light
        column.wrong.append(newer)

    column.step("delete the view", lambda: nacre.shutil.delete(view_path), lambda _: "")
    column.step("it is gone", lambda: nacre.open(view_path), refused=nacre.errors.ObjectNotFoundError)
    return column.wrong


def with_rasterio(server: BucketServer, bucket: Any, later: pathlib.Path) -> None:
    import rasterio
    import rasterio.shutil
    from rasterio.enums import Resampling
    from rasterio.vrt import WarpedVRT

    print(f"\nrasterio {rasterio.__version__}, GDAL {rasterio.__gdal_version__}")
    column = Column(server)
    source_path, view_path = f"/vsigs/demo/{SOURCE}", f"/vsigs/demo/{VIEW}"
    window = rasterio.windows.Window(700, 700, 256, 256)
    os.environ |= {"CPL_GS_ENDPOINT": server.url + "/", "GS_NO_SIGN_REQUEST": "YES"}
    source = column.step(f"open {SOURCE}", lambda: rasterio.open(source_path), lambda d: f"{d.width}x{d.height} {d.crs.to_string()}")
    view = column.step(
        "make the EPSG:3857 view of it",
        lambda: WarpedVRT(source, crs="EPSG:3857", resampling=Resampling.bilinear),
        lambda d: f"{d.width}x{d.height}",
    )
    column.step(
        f"save it beside the source, as {VIEW}",
        lambda: rasterio.shutil.copy(view, view_path, driver="VRT"),
        lambda _: f"{bucket.blob(VIEW).exists() and 'another client sees it'}",
    )
    print(f"  (another client: {VIEW} exists: {bucket.blob(VIEW).exists()})")
    reopened = column.step("open that in the same process", lambda: rasterio.open(view_path), lambda d: f"{d.width}x{d.height}")
    if reopened is not None:
        column.step("read 256 x 256 of it", lambda: reopened.read(window=window), shape_and_mean)
    code = f"import rasterio; print(rasterio.open({view_path!r}).read(1, out_shape=(64, 64)).mean())"
    column.step(
        "open and read it in a second process",
        lambda: subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip(),
        lambda text: f"mean {float(text):.2f}",
    )
    column.step(f"another client copies it to {COPY}", lambda: copy_by_another_client(bucket))
    column.step("open that in the same process", lambda: rasterio.open(view_path.replace(VIEW, COPY)), lambda d: f"{d.width}x{d.height}")

    def save_longer() -> Any:
        with WarpedVRT(source, crs="EPSG:4326", resampling=Resampling.cubic, add_alpha=True) as other:
            rasterio.shutil.copy(other, view_path, driver="VRT")
        return rasterio.open(view_path)

    longer = column.step("save a longer view over it, open that", save_longer, lambda d: f"{d.width}x{d.height} {d.crs.to_string()} {d.count} bands")
    if longer is not None:
        column.step("read 256 x 256 of that", lambda: longer.read(window=window), shape_and_mean)
    column.step("read 256 x 256 of the source", lambda: source.read(window=window), shape_and_mean)
    column.step(
        "another client overwrites the source",
        lambda: bucket.blob(SOURCE).upload_from_filename(str(later), content_type="image/tiff"),
        lambda _: "",
    )
    all_of_it = rasterio.windows.Window(0, 0, 2048, 2048)
    column.step("the reader that was open, more of it", lambda: source.read(window=all_of_it), shape_and_mean)
    column.step("a new open, of the new pixels?", lambda: rasterio.open(source_path).read(window=window), shape_and_mean)
    column.step("delete the view", lambda: rasterio.shutil.delete(view_path), lambda _: "")
    column.step("it is gone", lambda: rasterio.open(view_path))


def main() -> int:
    """1 where a step with nacre did not come as it should; what Rasterio does is only shown."""
    warnings.filterwarnings("ignore")
    preview = ROOT / "build" / "demo-preview.png"
    preview.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        temporary = pathlib.Path(folder)
        print(f"making a scene of {SIZE} x {SIZE} pixels, three bands, UTM, as COG ...", flush=True)
        first, later = make_scenes(temporary)
        buckets = temporary / "buckets"
        (buckets / "demo").mkdir(parents=True)
        server = BucketServer(NACRE, buckets, latency_ms=20)
        try:
            bucket = official_client(server.url)
            bucket.blob(SOURCE).upload_from_filename(str(first), content_type="image/tiff")
            wrong = with_nacre(server, bucket, later, preview)
            bucket.blob(COPY).delete()
            bucket.blob(SOURCE).upload_from_filename(str(first), content_type="image/tiff")
            with_rasterio(server, bucket, later)
        finally:
            server.stop()
    print(f"\npreview: {preview}")
    if wrong:
        print("demo: not as it should be: " + "; ".join(wrong), file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
