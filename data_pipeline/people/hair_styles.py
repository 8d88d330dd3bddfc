"""The styles of hair and beards, as tables."""

from typing import Literal, NamedTuple

Flow = Literal["none", "crop", "side", "back", "fall", "curl", "knot"]


class Style(NamedTuple):
    """Says how hair grows; lengths are in decimetres.

    Attributes:
        female: how often women wear it.
        male: how often men do.
        flow: the rule by which strands bend: cropped, to the side, back, falling, curling, or pulled to a knot.
        strands: how many there are over the opaque cap.
        points: a strand's.
        length: of the longest.
        volume: how far the outermost strands are above the skull.
        width: of a strand at its root.
        fringe: length of the strands over the forehead; 0 for none.
        wave: amplitude of waves.
        tail: length of what hangs from the knot; 0 makes a bun.
        forward: how much of falling hair lies before the shoulders.
    """

    female: float
    male: float
    flow: Flow
    strands: int = 0
    points: int = 2
    length: float = 0.0
    volume: float = 0.05
    width: float = 0.03
    fringe: float = 0.0
    wave: float = 0.0
    tail: float = 0.0
    forward: float = 0.0


STYLES: dict[str, Style] = {
    "bald": Style(0.2, 6, "none"),
    "buzz": Style(1, 12, "crop", 3600, 3, 0.07, 0.03, 0.014),
    "short": Style(4, 18, "crop", 3000, 5, 0.36, 0.10, 0.022),
    "short fringe": Style(4, 8, "crop", 2600, 5, 0.40, 0.11, 0.022, fringe=0.5),
    "side part": Style(4, 15, "side", 2200, 7, 0.85, 0.15, 0.03),
    "swept back": Style(3, 9, "back", 2200, 7, 0.9, 0.13, 0.03),
    "bob": Style(11, 3, "fall", 1200, 10, 1.7, 0.18, 0.034, forward=0.25),
    "bob with fringe": Style(8, 1, "fall", 1150, 10, 1.7, 0.18, 0.034, fringe=0.75, forward=0.2),
    "long parted": Style(16, 2, "fall", 1200, 14, 3.7, 0.16, 0.034, forward=0.1),
    "long wavy": Style(12, 2, "fall", 1200, 16, 3.3, 0.22, 0.034, wave=0.09, forward=0.25),
    "long with fringe": Style(8, 0.5, "fall", 1150, 14, 3.5, 0.16, 0.034, fringe=0.78, forward=0.1),
    "long in front": Style(7, 0.5, "fall", 1200, 14, 3.3, 0.18, 0.034, wave=0.04, forward=0.7),
    "over one eye": Style(3, 0.5, "fall", 1200, 12, 2.2, 0.18, 0.034, fringe=1.1, wave=0.03, forward=0.2),
    "curly": Style(8, 7, "curl", 1900, 11, 0.9, 0.30, 0.03),
    "long curls": Style(6, 1, "curl", 1900, 16, 1.7, 0.42, 0.034),
    "afro": Style(4, 4, "curl", 2300, 8, 0.55, 0.62, 0.026),
    "ponytail": Style(8, 1, "knot", 1700, 8, 1.3, 0.05, 0.03, tail=2.4),
    "bun": Style(8, 0.5, "knot", 1700, 8, 1.25, 0.05, 0.03),
    "bun with fringe": Style(4, 0.3, "knot", 1600, 8, 1.25, 0.05, 0.03, fringe=0.72),
}


class Beard(NamedTuple):
    """Says how a beard grows.

    Attributes:
        length: of its strands, in decimetres.
        cheeks: whether the whole beard grows.
        chin: whether there is hair on the chin.
        moustache: whether there is a moustache.
        strands: how many.
    """

    length: float
    cheeks: bool
    chin: bool
    moustache: bool
    strands: int


BEARDS: dict[str, Beard] = {
    "none": Beard(0.0, False, False, False, 0),
    "short beard": Beard(0.09, True, True, True, 3600),
    "full beard": Beard(0.24, True, True, True, 3600),
    "long beard": Beard(0.6, True, True, True, 3200),
    "chin beard": Beard(0.16, False, True, False, 1300),
    "goatee": Beard(0.14, False, True, True, 1800),
    "moustache": Beard(0.13, False, False, True, 900),
}
