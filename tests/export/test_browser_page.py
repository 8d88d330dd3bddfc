"""The browser page: a clip goes in, its alpha is Python's, in headless Chromium, where that and npm are installed."""

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from lively_network import lively_network

import rvm_jax

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(not (CHROMIUM and shutil.which("npm")), reason="needs Chromium and npm")

ROOT = Path(__file__).resolve().parents[2]
# Takes the page's own module through frames, and tells this test what came of it.
CHECK = """<!doctype html><script type="module">
const told = { errors: [], alphas: [] };
addEventListener("error", (event) => told.errors.push(event.message));
try {
  const { Matter } = await import("./matting.js");
  const matter = await Matter.load("network.onnx", "wasm");
  told.device = matter.device;
  for (const name of %s) {
    const bitmap = await createImageBitmap(await (await fetch(name)).blob());
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext("2d");
    context.drawImage(bitmap, 0, 0);
    const pha = await matter.matte(context.getImageData(0, 0, bitmap.width, bitmap.height));
    told.alphas.push(Array.from(pha, (value) => Math.round(255 * value)));
  }
} catch (error) { told.errors.push(String(error)); }
await fetch("told", { method: "POST", body: JSON.stringify(told) });
</script>"""


class Told:
    """What the page says, once it has."""

    def __init__(self) -> None:
        self.value: dict[str, Any] = {}
        self.said = threading.Event()


def serve(folder: Path, told: Told) -> ThreadingHTTPServer:
    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args, directory=str(folder))

        def end_headers(self) -> None:
            self.send_header("Cross-Origin-Opener-Policy", "same-origin")
            self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
            super().end_headers()

        def do_POST(self) -> None:
            told.value = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()
            told.said.set()

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("demo")
    rvm_jax.save_torch(lively_network(), folder / "weights.safetensors")
    command = [sys.executable, str(ROOT / "scripts" / "make_demo.py"), f"--checkpoint={folder / 'weights.safetensors'}"]
    result = subprocess.run([*command, f"--output_dir={folder / 'page'}"], capture_output=True, text=True)
    if "npm pack" in result.stderr:
        pytest.skip(result.stderr)
    assert result.returncode == 0, result.stderr
    yield folder / "page"


def test_alphas_are_pythons_to_two_levels(demo: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frames = [cv2.resize(rng.integers(0, 256, (5, 7, 3), np.uint8), (90, 62)) for _ in range(3)]
    names = [f"frame{t}.png" for t in range(3)]
    for name, frame in zip(names, frames, strict=True):
        cv2.imwrite(str(demo / name), frame[..., ::-1])
    (demo / "check.html").write_text(CHECK % json.dumps(names))
    told = Told()
    server = serve(demo, told)
    assert CHROMIUM is not None
    flags = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}"]
    browser = subprocess.Popen(
        [CHROMIUM, *flags, f"http://127.0.0.1:{server.server_port}/check.html"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert told.said.wait(120), "the page said nothing"
    finally:
        browser.kill()
        browser.wait()
        server.shutdown()
        server.server_close()
    assert told.value["errors"] == []
    assert told.value["device"].startswith("WASM")
    matter = rvm_jax.Matter(lively_network(), engine="onnxruntime")
    for frame, levels in zip(frames, told.value["alphas"], strict=True):
        expected = np.rint(255 * np.asarray(matter(frame).pha)[..., 0])
        assert np.abs(np.reshape(levels, expected.shape) - expected).max() <= 2
