"""Matting what lies on the disk or comes from a camera: whole clips and folders of pictures, in one call each."""

from rvm_jax.matting.clips import MattedVideo, matte_video
from rvm_jax.matting.guidance import GuidanceSource
from rvm_jax.matting.pictures import matte_pictures
from rvm_jax.matting.settings import Settings
from rvm_jax.matting.weights import load_network

__all__ = ["GuidanceSource", "MattedVideo", "Settings", "load_network", "matte_pictures", "matte_video"]
