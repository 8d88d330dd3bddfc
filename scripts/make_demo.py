"""python scripts/make_demo.py --checkpoint=work/quickstart --output_dir=work/demo

Builds a static folder: a page that mattes videos, pictures and the webcam in the browser, the network as ONNX, and
onnxruntime-web, which npm fetches once. Any static server will do:

    python -m http.server --directory=work/demo

Threads of WASM need the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp.
"""

import io
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, cast

from absl import flags

from rvm_jax import cli
from rvm_jax.atomic_files import write_bytes
from rvm_jax.errors import UserError
from scripts import ROOT

if TYPE_CHECKING:
    from rvm_jax.networks.api import Network

_CHECKPOINT = flags.DEFINE_string(
    "checkpoint", "face", "RVM: a name of the package's own networks, a work directory, .pth or .safetensors."
)
_OUTPUT = flags.DEFINE_string("output_dir", "work/demo", "The folder; what is in it is replaced.")

_PACKAGE = "onnxruntime-web@1.30.0"
# The line of matting.js that says at which size the network sees frames.
_SEEN = "const SEEN = 512;"
# With WebGPU, and without.
_RUNTIME = (
    "ort.webgpu.min.mjs",
    "ort-wasm-simd-threaded.asyncify.mjs",
    "ort-wasm-simd-threaded.asyncify.wasm",
    "ort.wasm.min.mjs",
    "ort-wasm-simd-threaded.mjs",
    "ort-wasm-simd-threaded.wasm",
)


def main(_: list[str]) -> None:
    import rvm_jax
    from rvm_jax.matting import load_network
    from rvm_jax.matting.matter import AUTO_SIDE
    from rvm_jax.matting.weights import weights_paths
    from rvm_jax.output_paths import check_output_folders

    target = Path(_OUTPUT.value)
    pages = ROOT / "integrations" / "browser"
    check_output_folders([target], [*weights_paths(_CHECKPOINT.value), pages])
    network = cast("Network", load_network(_CHECKPOINT.value))
    (target / "ort").mkdir(parents=True, exist_ok=True)
    rvm_jax.export_onnx(network, target / "network.onnx", "rvm")
    for page in ("index.html", "page.js"):
        shutil.copyfile(pages / page, target / page)
    side = getattr(network, "auto_side", AUTO_SIDE)
    script = (pages / "matting.js").read_text(encoding="utf-8")
    (target / "matting.js").write_text(script.replace(_SEEN, f"const SEEN = {side};"), encoding="utf-8")
    if not all((target / "ort" / name).is_file() for name in _RUNTIME):
        _fetch_runtime(target / "ort")
    print(f"{target}: python -m http.server --directory={target}")


def _fetch_runtime(folder: Path) -> None:
    """Unpacks what the page needs of onnxruntime-web. Raises UserError if npm cannot fetch it."""
    if shutil.which("npm") is None:
        raise UserError(
            "the page needs onnxruntime-web, which npm fetches; install Node.js, or put it into " + str(folder)
        )
    with tempfile.TemporaryDirectory() as scratch:
        result = subprocess.run(["npm", "pack", _PACKAGE], cwd=scratch, capture_output=True, text=True)
        archives = list(Path(scratch).glob("*.tgz"))
        if result.returncode or not archives:
            raise UserError(
                f"npm pack {_PACKAGE} failed: {(result.stderr.strip().splitlines() or ['no reason given'])[-1]}"
            )
        with tarfile.open(fileobj=io.BytesIO(archives[0].read_bytes())) as archive:
            for name in _RUNTIME:
                member = archive.extractfile(f"package/dist/{name}")
                assert member is not None
                write_bytes(folder / name, member.read())


if __name__ == "__main__":
    cli.run(main)
