"""Files: each frame through JPEG, the whole clip through H.264."""

from fractions import Fraction

import cv2
import numpy as np

from data_pipeline.camera.settings import Range
from rvm_jax.errors import UserError


def jpeg(clip: np.ndarray, rng: np.random.Generator, quality: Range = (30, 95)) -> np.ndarray:
    """Writes and reads each frame as a JPEG, of one quality for the clip."""
    level = [cv2.IMWRITE_JPEG_QUALITY, round(rng.uniform(*quality))]
    out = np.empty_like(clip)
    for t, frame in enumerate(clip):
        _, data = cv2.imencode(".jpg", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), level)
        out[t] = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB)
    return out


def h264(clip: np.ndarray, rng: np.random.Generator, crf: Range = (20, 38)) -> np.ndarray:
    """Encodes a clip as H.264 (4:2:0, in memory) and decodes it: blocks, smeared colours, detail that comes and goes.

    Raises:
        UserError: if PyAV comes without libx264.
    """
    import av  # loads slowly, and most workers never need it

    factor = round(rng.uniform(*crf))
    frames, height, width = clip.shape[:3]
    # Halved colour planes need even sides.
    padded = np.pad(clip, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    try:
        encoder = av.VideoCodecContext.create("libx264", "w")
    except (av.FFmpegError, ValueError) as error:
        raise UserError("camera.h264: this PyAV has no libx264; set camera.h264=0") from error
    encoder.height, encoder.width = padded.shape[1:3]
    encoder.pix_fmt, encoder.thread_count, encoder.time_base = "yuv420p", 1, Fraction(1, 25)
    encoder.options = {"preset": "ultrafast", "crf": str(factor)}
    decoder = av.VideoCodecContext.create("h264", "r")
    decoder.thread_count = 1
    decoded = []
    for t in range(frames + 1):
        if t < frames:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(padded[t]), "rgb24").reformat(format="yuv420p")
            frame.pts = t
            packets = encoder.encode(frame)
        else:
            packets = encoder.encode(None)
        for packet in packets:
            decoded += decoder.decode(packet)
    decoded += decoder.decode(None)
    out = np.stack([picture.to_ndarray(format="rgb24") for picture in decoded])
    return np.ascontiguousarray(out[:, :height, :width])
