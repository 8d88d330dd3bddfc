"""A window that shows frames as they are matted (Tk and Pillow)."""

import os
import sys

import numpy as np
from PIL import Image

from rvm_jax.errors import UserError


def has_screen() -> bool:
    """Returns whether a window can be opened here."""
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return False
    try:
        import tkinter  # noqa: F401  some Pythons come without it
    except ImportError:
        return False
    return True


class PreviewWindow:
    """Shows frames; closing the window, or Escape, ends the clip. Call it from the main thread.

    Raises UserError if no window can be opened.
    """

    def __init__(self, title: str):
        import tkinter

        try:
            self._root = tkinter.Tk()
        except tkinter.TclError as error:
            raise UserError(f"no preview window can be opened ({error}); use --nopreview") from error
        self._root.title(title)
        self._label = tkinter.Label(self._root)
        self._label.pack()
        self._open = True
        self._root.protocol("WM_DELETE_WINDOW", self._stop)
        self._root.bind("<Escape>", lambda event: self._stop())

    def __call__(self, frame: np.ndarray) -> bool:
        """Shows an RGB frame (H, W, 3) uint8; False once the user has closed the window."""
        from PIL import ImageTk

        if self._open:
            picture = Image.fromarray(frame)
            picture.thumbnail((self._root.winfo_screenwidth(), self._root.winfo_screenheight()))
            self._shown = ImageTk.PhotoImage(picture)  # Tk itself keeps no reference to it
            self._label.configure(image=self._shown)
            self._root.update()
        return self._open

    def close(self) -> None:
        """Takes the window away."""
        self._root.destroy()

    def _stop(self) -> None:
        self._open = False
