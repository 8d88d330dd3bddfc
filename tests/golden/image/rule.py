"""Numpy-only: rebuild the deterministic stand-in weights of a golden case from its manifest.

    sd = state_dict("modnet/manifest.json")   # {torch key: numpy array}

No torch and no original code is needed. Every tensor is drawn from a generator seeded with
crc32 of its own torch key, so order does not matter.
"""

import json
import math
import zlib
from pathlib import Path

import numpy as np


def _rng(key):
    return np.random.default_rng(zlib.crc32(key.encode()))


def swin_relative_position_index(window):
    """Index table (window^2, window^2) into the ((2*window-1)^2, heads) bias table."""
    r, c = np.divmod(np.arange(window * window), window)
    dr = r[:, None] - r[None, :] + window - 1
    dc = c[:, None] - c[None, :] + window - 1
    return (dr * (2 * window - 1) + dc).astype(np.int64)


def spectral_uv(key_prefix, weight_bar, iterations=30):
    """u and v for the spectral norm of `weight_bar` (torch layout, rows = axis 0)."""
    w = weight_bar.astype(np.float64).reshape(weight_bar.shape[0], -1)
    u = _rng(key_prefix + "weight_u").normal(0.0, 1.0, w.shape[0])
    u /= np.linalg.norm(u)
    # The power iterations of u alone, by the much smaller w w'; v follows from the last but one.
    gram = w @ w.T
    for _ in range(iterations - 1):
        u = gram @ u
        u /= np.linalg.norm(u)
    v = w.T @ u
    v /= np.linalg.norm(v)
    u = w @ v
    u /= np.linalg.norm(u)
    return u.astype(np.float32), v.astype(np.float32)


def draw(key, shape, dtype, kind):
    if kind == "counter":  # num_batches_tracked, as freshly built
        return np.zeros(shape, np.int64)
    if kind == "rel_pos_index":
        return swin_relative_position_index(math.isqrt(shape[0]))
    rng = _rng(key)
    if kind == "running_var":
        a = rng.uniform(0.5, 1.5, shape)
    elif kind == "running_mean":
        a = rng.normal(0.0, 0.1, shape)
    elif kind == "norm_scale":
        a = rng.uniform(0.8, 1.2, shape)
    elif kind == "bias":
        a = rng.normal(0.0, 0.05, shape)
    elif kind == "rel_pos_bias":
        a = rng.normal(0.0, 0.02, shape)
    elif kind == "weight":
        fan_in = math.prod(shape[1:]) if len(shape) > 1 else shape[0]
        a = rng.normal(0.0, 1.0 / math.sqrt(fan_in), shape)
    else:
        raise ValueError(kind)
    return a.astype(np.float32)


def kinds_from_keys(entries):
    """The kind of every entry, from names and shapes alone."""
    keys = {k: tuple(s) for k, s, _ in entries}
    kinds = {}
    for k, s, _ in entries:
        leaf = k.rsplit(".", 1)[-1]
        stem = k[: len(k) - len(leaf)]
        if leaf == "num_batches_tracked":
            kind = "counter"
        elif leaf == "relative_position_index":
            kind = "rel_pos_index"
        elif leaf in ("running_var", "running_mean"):
            kind = leaf
        elif leaf == "weight_u":
            kind = "sn_u"
        elif leaf == "weight_v":
            kind = "sn_v"
        elif leaf == "relative_position_bias_table":
            kind = "rel_pos_bias"
        elif leaf.endswith("bias"):  # also in_proj_bias
            kind = "bias"
        elif leaf == "weight" and len(s) == 1 and keys.get(stem + "bias") == tuple(s):
            kind = "norm_scale"  # a 1-D weight without a bias beside it is a PReLU slope: "weight"
        else:
            kind = "weight"
        kinds[k] = kind
    return kinds


def state_dict(manifest):
    if isinstance(manifest, str):
        manifest = json.loads(Path(manifest).read_text())
    entries, aliases = manifest["entries"], manifest.get("aliases", {})
    special = manifest.get("exceptions", {})
    kinds = kinds_from_keys(entries)
    shapes = {k: tuple(s) for k, s, _ in entries}
    out = {}
    for k, s, dt in entries:
        if k in aliases or kinds[k] in ("sn_u", "sn_v"):
            continue
        if k in special:
            name, low, high = special[k]
            out[k] = getattr(_rng(k), name)(low, high, s).astype(np.float32)
        else:
            out[k] = draw(k, tuple(s), dt, kinds[k])
    for k, _, _ in entries:
        if kinds[k] == "sn_u":
            stem = k[: -len("weight_u")]
            u, v = spectral_uv(stem, out[stem + "weight_bar"])
            out[k], out[stem + "weight_v"] = u, v
    for k, src in aliases.items():  # the same torch tensor under a second name
        out[k] = out[src]
    return {k: out[k].reshape(shapes[k]) for k, _, _ in entries}
