"""From frames to files: read ahead, matte, write behind, and remember how far one came.

Clips, folders of frames and folders of pictures all go through `run`.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from itertools import tee

from rvm_jax.matting.backends import Backend
from rvm_jax.matting.matted import Matted
from rvm_jax.matting.outputs import Items
from rvm_jax.matting.resume import BEGINNING, ResumeState, Start
from rvm_jax.matting.threads import WriteBehind, read_ahead
from rvm_jax.media.frame_source import Frame


def run(
    frames: Iterable[Frame],
    backends: Sequence[Backend],
    outputs: Sequence[WriteBehind[Items]],
    *,
    related: bool,
    ahead: int,
    start: Start = BEGINNING,
    resume: ResumeState | None = None,
    after_each: Callable[[int, Matted], bool] = lambda count, matted: True,
) -> int:
    """Mattes frames, and writes what is made of them; outputs get their names when all are matted, not before.

    Reading, transfer, computation and writing overlap, and the memory does not grow with the number of frames.

    Args:
      frames: the frames that are left.
      backends: one or several; each sees every frame.
      outputs: each gets every frame as all backends matted it. They are closed, or given up.
      related: whether the frames are one clip's.
      ahead: how many frames are read ahead.
      start: where an interrupted run came to, and the state there.
      resume: keeps how far this one comes; removed at the end.
      after_each: called with the number of frames done in this run, and the newest as the first backend matted it;
        False ends the clip there.

    Returns:
      How many frames were matted in this run.
    """
    count = 0
    left = list(outputs)
    try:
        with closing(read_ahead(frames, ahead)) as read:
            # The backends take frames in turn: what one is ahead of the others is kept for them.
            copies = tee(read, len(backends)) if len(backends) > 1 else (read,)
            streams = [each.matte(copy, related, start.rec) for each, copy in zip(backends, copies, strict=True)]
            for items in zip(*streams, strict=True):
                count += 1
                for output in outputs:
                    output.put(items)
                if resume is not None:
                    resume.note(count, items[0].frame.number + 1, items[0].rec)
                    resume.save_if_due(min(output.written for output in outputs))
                if not after_each(count, items[0]):
                    break
        while left:
            left[0].close()
            del left[0]
    except BaseException:
        if resume is not None:
            for output in left:
                output.settle()
            resume.save_last(min(output.written for output in outputs))
        for output in left:
            output.discard()
        raise
    if resume is not None:
        resume.remove()
    return count
