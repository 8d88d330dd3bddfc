"""All networks of the project by name."""

from importlib import import_module
from typing import Any

from flax import nnx

from rvm_jax.errors import UserError

# Modules are imported when a network of theirs is made.
_HOMES = {
    "rvm": ("rvm.model", "MattingNetwork"),
    "resnet18_unet": ("resnet18_unet.model", "ResNet18UNet"),
    "modnet": ("modnet.model", "MODNet"),
    "mgmatting": ("mgmatting.model", "MGMatting"),
    "mgmatting_guided": ("mgmatting.model", "MGMatting"),
    "aematter": ("aematter.model", "AEMatter"),
    "aematter_trimap": ("aematter.model", "AEMatter"),
}
NAMES = tuple(_HOMES)


def create(name: str = "rvm", *, rngs: nnx.Rngs | int | None = 0, **settings: Any) -> Any:
    """Returns a network in evaluation mode; `create(**network.config)` makes one of the same kind.

    Args:
        name: "rvm", "resnet18_unet", "modnet", "mgmatting" (image only, as in the published comparison),
            "mgmatting_guided" (with a mask), "aematter" (image only), "aematter_trimap".
        rngs: where the starting weights come from, or a seed; None for zeros, where they will be set from a file.
        settings: RVM: `variant`, `refiner`, `foreground`; the others: `preparation`, "published" or "original", which
            `network.preparation` spells out.

    Raises:
        UserError: an unknown name, or a setting that this network does not have.
    """
    if name not in _HOMES:
        raise UserError(f"network '{name}' is unknown; use one of {', '.join(NAMES)}")
    module, attribute = _HOMES[name]
    make = getattr(import_module(f"rvm_jax.networks.{module}"), attribute)
    if name != "rvm":
        settings = {"name": name, **settings}
    try:
        return make(**settings, rngs=nnx.Rngs(rngs) if isinstance(rngs, int) else rngs)
    except TypeError as error:
        known = [key for key in make.__init__.__annotations__ if key not in ("name", "rngs", "return")]
        unknown = [key for key in settings if key not in (*known, "name")]
        if not unknown:
            raise
        raise UserError(f"network '{name}' has no setting '{unknown[0]}'; it has {', '.join(known)}") from error
