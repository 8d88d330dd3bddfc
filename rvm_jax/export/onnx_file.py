"""`export_onnx`: a network to a file that was compared with it before it was written."""

import hashlib
import os
from pathlib import Path
from typing import Any, NamedTuple, cast

from flax import nnx

from rvm_jax.errors import UserError
from rvm_jax.export.form import BOUNDS, Form, check_has_weights
from rvm_jax.networks.api import Network
from rvm_jax.version import __version__


class Exported(NamedTuple):
    """Says what was written: the files, the size of the model in bytes, its nodes, and the largest difference from JAX.

    The difference is None where nothing was checked.
    """

    paths: tuple[Path, ...]
    size: int
    nodes: int
    difference: float | None


def export_onnx(
    network: Network,
    path: str | os.PathLike[str],
    contract: str | None = None,
    *,
    size: tuple[int, int] | None = None,
    downsample_ratio: float | None = None,
    batch: int | None = None,
    chunk: int = 1,
    dtype: str = "float32",
    runtime: str = "onnxruntime",
    check: bool = True,
    bound: float | None = None,
    name: str | None = None,
    revision: str | None = None,
    licence: str | None = None,
) -> Exported:
    """Writes a network as an ONNX file, after it has been run beside JAX.

    Args:
        network: in evaluation mode, as `rvm_jax.load` gives it; it stays untouched.
        path: the file, `*.onnx`; one that exists is replaced.
        contract: "rvm", "picture", "facefusion" (with a `.hash` beside the file), "visomaster", "visomaster_xseg",
            "deepfacelab"; by default "rvm" for RVM, "picture" for networks for still pictures.
        size: (height, width) of the frames; None for any.
        downsample_ratio: RVM's, baked in; None for an input, or with a size for RVM's rule.
        batch: streams or pictures a call; None for any number, or with a size of `rvm` for one.
        chunk: frames a call, for `rvm`.
        dtype: what convolutions compute in, "float32" or "float16"; guided filters and states are float32 always.
        runtime: whose kernels the graph is arranged for, "onnxruntime" or "openvino"; either runs both.
        check: whether to run the file in ONNX Runtime beside JAX on several recurrent frames.
        bound: the largest difference at which it is still written; by default 1e-4, and 1e-2 for float16.
        name, revision, licence: of the network, for the file's metadata.

    Returns:
        What was written.

    Raises:
        UserError: a package that is missing, a contract that the network cannot fill, a layer without an ONNX form, or
            a difference above the bound; nothing is written then.
    """
    path = Path(path)
    if path.suffix != ".onnx":
        raise UserError(f"{path}: an ONNX file ends in .onnx")
    form = Form(size, downsample_ratio, batch, chunk, dtype, runtime)
    check_has_weights(network)
    need_onnx()
    from rvm_jax.atomic_files import write_bytes
    from rvm_jax.export.check import largest_difference
    from rvm_jax.export.contracts import contract_for
    from rvm_jax.export.faces import facefusion_hash

    chosen = contract_for(network, contract)
    form = chosen.form(network, form)
    notes = {"name": name, "revision": revision, "licence": licence}
    model, nodes = build(network, chosen, form, {key: value for key, value in notes.items() if value})
    difference = None
    if check:
        difference = largest_difference(network, model, chosen, form)
        limit = BOUNDS[dtype] if bound is None else bound
        if not difference <= limit:
            raise UserError(
                f"{path}: ONNX Runtime and JAX differ by {difference:.1e}, more than {limit:.0e}; nothing was written"
            )
    written = [path]
    if chosen.name == "facefusion":
        # Before the model: without its hash FaceFusion would replace the file by its own.
        written.append(path.with_suffix(".hash"))
        write_bytes(written[1], facefusion_hash(model).encode())
    write_bytes(path, model)
    return Exported(tuple(written), len(model), nodes, difference)


def build(network: Network, contract: Any, form: Form, notes: dict[str, str]) -> tuple[bytes, int]:
    """Returns a model's bytes, and how many nodes it has; `notes` become metadata beside what is known."""
    from rvm_jax.export.graph import Graph
    from rvm_jax.export.layers import folded

    g = Graph(contract.opset, form.dtype, form.runtime)
    contract.build(g, folded(cast(nnx.Module, network)), form)
    model = g.model(metadata(network, contract, form) | notes)
    return model.SerializeToString(), len(model.graph.node)


def metadata(network: Network, contract: Any, form: Form) -> dict[str, str]:
    """Returns what a file says about itself."""
    checksum = weights_checksum(network)
    settings = ", ".join(f"{key} {value}" for key, value in network.config.items() if key != "name")
    return {
        "name": network.name,
        "revision": checksum[:12],
        "licence": "that of the weights, whatever they were trained from and on",
        "settings": settings,
        "contract": contract.name,
        "values": contract.values,
        **({"auto_side": str(network.auto_side)} if hasattr(network, "auto_side") else {}),
        **form.description,
        "weights_sha256": checksum,
        "rvm_jax": __version__,
    }


def weights_checksum(network: Network) -> str:
    """Returns the SHA-256 of a network's tensors, by PyTorch's names and in its order and layout."""
    from rvm_jax.weights.torch_weights import state_dict

    digest = hashlib.sha256()
    for key, tensor in state_dict(network).items():
        digest.update(f"{key} {tensor.dtype} {tensor.shape}\n".encode())
        digest.update(tensor.tobytes())
    return digest.hexdigest()


def need_onnx() -> None:
    """Raises UserError if the package `onnx` is missing."""
    try:
        import onnx  # noqa: F401
    except ImportError as error:
        raise UserError("exporting needs the package onnx; pip install 'rvm-jax[onnx]'") from error
