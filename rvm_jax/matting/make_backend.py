"""Which backend a network gets by the settings, and what of them does not go together."""

from collections.abc import Iterable
from typing import cast

from flax import nnx

from rvm_jax.errors import UserError
from rvm_jax.matting.backends import Backend, Guided, PerFrame, Streaming
from rvm_jax.matting.faces import Faces
from rvm_jax.matting.frame_by_frame import FrameByFrame
from rvm_jax.matting.guidance import load_guide
from rvm_jax.matting.matter import Matter
from rvm_jax.matting.options import Settings
from rvm_jax.matting.per_frame import PictureMatter
from rvm_jax.matting.smoothing import Smoothed
from rvm_jax.networks.api import Guidance, Network


def make_backend(
    network: Network | Matter, how: Settings, *, for_pictures: bool = False, faithful: bool = False
) -> Backend:
    """Returns what mattes frames with a network, or a Matter, by these settings, and smooths them if they ask for it.

    Args:
      network: the network.
      how: the settings.
      for_pictures: whether networks for still pictures see frames one by one, rather than in chunks.
      faithful: see `PictureMatter`.

    Raises:
      UserError: if they do not go together.
    """
    backend = _unsmoothed(network, how, for_pictures, faithful)
    return Smoothed(backend, how.smooth) if how.smooth else backend


def _unsmoothed(network: Network | Matter, how: Settings, for_pictures: bool, faithful: bool) -> Backend:
    kind = check_guidance(network, how)
    fills_whole = how.downsample_ratio in ("auto", 1) and how.faces is None
    streams = has_state(network) or not fills_whole or not for_pictures
    if isinstance(network, Matter) or (kind is None and streams):
        if faithful:
            raise UserError(
                "faithful is how still-picture networks were run, at full size; leave it, the ratio or the faces out"
            )
        matter = as_matter(network, how)
        if how.faces is not None:
            return Faces(matter, how.face_side, how.seq_chunk, how.alpha_bits)
        return Streaming(matter, has_state(network), how.seq_chunk, how.alpha_bits)
    per_frame = PictureMatter(
        network, faithful=faithful, precision=how.products, pad_to=how.pad_to or 1, alpha_bits=how.alpha_bits
    )
    if kind is None or how.guidance is None or how.guidance.network is None:
        return PerFrame(per_frame, kind)
    guide = load_guide(how.guidance)
    return Guided(Streaming(as_matter(guide, how), has_state(guide), how.seq_chunk), per_frame, kind)


def has_state(network: Network | Matter) -> bool:
    """Returns whether the frames of a clip must go through a network, or a Matter, one after the other."""
    return isinstance(network, Matter) or network.inputs.state


def check_guidance(network: Network | Matter, how: Settings) -> Guidance | None:
    """Returns what guidance a network takes.

    Raises:
      UserError: if it is missing, given to one that takes none, or does not go with the other settings.
    """
    if isinstance(network, Matter) or network.inputs.guidance is None:
        return None
    name, kind = network.name, network.inputs.guidance
    if how.guidance is None:
        raise UserError(
            f"{name} needs a {kind} beside each picture or frame; give {kind}s (--guidance), alphas to derive them "
            "from (--guidance_alpha), or a network that mattes first (--guidance_checkpoint)"
        )
    if how.downsample_ratio not in ("auto", 1):
        raise UserError(f"{name} sees its pictures and {kind}s at full size; leave downsample_ratio out")
    if how.faces is not None:
        raise UserError(f"{name} is guided by {kind}s of whole frames; leave the faces out")
    return kind


def guided_kinds(networks: Iterable[Network | Matter], how: Settings) -> list[Guidance]:
    """Returns the kinds of guidance that networks take: one source serves them all.

    Raises:
      UserError: if it is missing, or nobody wants it; see `check_guidance`.
    """
    networks = list(networks)
    first = networks[0]
    kinds = [kind for network in networks if (kind := check_guidance(network, how))]
    if how.guidance is not None and not kinds:
        name = "a Matter" if isinstance(first, Matter) else first.name
        raise UserError(f"{name} takes the picture alone, without a mask or trimap; leave the guidance out")
    return list(dict.fromkeys(kinds))


def as_matter(network: Network | Matter, how: Settings) -> Matter:
    """Returns a network's Matter by these settings; a Matter has settings of its own and starts a new stream.

    A network for still pictures mattes each frame for itself.

    Raises:
      UserError: if it wants a mask or trimap.
    """
    if isinstance(network, Matter):
        return network.another()
    ratio, streamed = how.downsample_ratio, cast(nnx.Module, network)
    if not network.inputs.state:
        streamed = FrameByFrame(network)
        ratio = 1.0 if ratio == "auto" else ratio
    return Matter(
        streamed,
        ratio,
        precision=how.products,
        scene_cut=how.scene_cut,
        pad_to=how.pad_to or 1,
        engine=how.engine,
    )
