"""Who a person is: correlated traits, and the targets that give the shape."""

from dataclasses import dataclass

import numpy as np

from data_pipeline.people.assets import load_assets
from data_pipeline.people.colour import DYES, HAIR_COLOURS, IRISES, muted_colour
from data_pipeline.people.geometry import Floats, vector
from data_pipeline.people.hair_styles import BEARDS, STYLES

RACES = ("caucasian", "asian", "african")  # as MakeHuman names its targets
_YOUNG, _OLD = 0.5, 1.0  # on MakeHuman's scale of ages, where a child is 0.1875


@dataclass(frozen=True)
class Traits:
    """Says what makes a person look as they do, besides the shape.

    Attributes:
        gender: 0 female to 1 male.
        age: on MakeHuman's scale: 0.19 a child, 0.5 young, 1 old.
        ancestry: shares of `RACES`.
        tone: of the skin, a position in `colour.SKIN_TONES`.
        hair: name of the style.
        beard: name of the beard.
        hair_colour, grey: sRGB (3,), and the share of grey strands.
        hairline: how far it is raised, in decimetres.
        stubble, freckles, redness, oil, bags, moles: 0 to about 1.
        lips, nails, shadow: colours of make-up in sRGB, or None.
        brow_density, brow_arch, brow_thickness: about 1.
        iris, pupil: sRGB colour, and the pupil's share of the iris.
        clothes: two sRGB colours (2, 3).
    """

    gender: float
    age: float
    ancestry: tuple[float, float, float]
    tone: float
    hair: str
    beard: str
    hair_colour: Floats
    grey: float
    hairline: float
    stubble: float
    freckles: float
    redness: float
    oil: float
    bags: float
    moles: int
    lips: Floats | None
    nails: Floats | None
    shadow: Floats | None
    brow_density: float
    brow_arch: float
    brow_thickness: float
    iris: Floats
    pupil: float
    clothes: Floats

    @property
    def wrinkles(self) -> float:
        """Returns how old the skin looks: 0 up to MakeHuman's 0.55, then rising to 1."""
        return max(0.0, (self.age - 0.55) / 0.45)


def draw_traits(rng: np.random.Generator, with_hair: bool = True) -> Traits:
    """Draws a person; without hair everyone is bald and shaven."""
    male = rng.random() < 0.5
    gender = float(0.8 * male + 0.2 * rng.random())
    spans = ((0.3, 0.45), (0.45, 0.7), (0.7, 1.0))
    age = float(rng.uniform(*spans[int(rng.choice(3, p=[0.12, 0.6, 0.28]))]))
    ancestry = rng.dirichlet([0.35, 0.35, 0.35])
    tone = float(np.clip(ancestry @ [1.1, 2.2, 5.3] + rng.normal(0, 0.6), 0, 7))
    aged = max(0.0, (age - 0.55) / 0.45)
    light = bool(ancestry[0] > 0.6)
    made_up = not male and rng.random() < 0.5
    stubble = float(rng.choice([0.0, rng.uniform(0.2, 0.6), 1.0])) if male and age > 0.4 else 0.0
    bearded = male and age > 0.42 and rng.random() < 0.42 and with_hair
    style = _draw_style(rng, male, aged) if with_hair else "bald"
    return Traits(
        gender=gender,
        age=age,
        ancestry=(float(ancestry[0]), float(ancestry[1]), float(ancestry[2])),
        tone=tone,
        hair=style,
        beard=str(rng.choice([name for name in BEARDS if name != "none"])) if bearded else "none",
        hair_colour=_draw_hair_colour(rng, ancestry, aged),
        grey=aged * float(rng.random()) * 0.5,
        hairline=float(rng.normal(-0.07, 0.05) + 0.16 * (male and aged > 0.3 and rng.random() < 0.5)),
        stubble=max(stubble, 0.5 * bearded),
        freckles=float(rng.uniform(0.2, 1.0)) if light and rng.random() < 0.3 else 0.0,
        redness=float(rng.uniform(0.2, 1.1)),
        oil=float(rng.uniform(0.6, 1.4)),
        bags=float(rng.uniform(0.1, 1.0)),
        moles=int(rng.integers(0, 9)),
        lips=vector(*[(0.65, 0.12, 0.15), (0.7, 0.3, 0.32), (0.5, 0.1, 0.2)][int(rng.integers(3))])
        if made_up
        else None,
        nails=muted_colour(rng, 0.1, 0.8, 1.0) if made_up and rng.random() < 0.6 else None,
        shadow=muted_colour(rng, 0.1, 0.6, 0.7) if made_up and rng.random() < 0.6 else None,
        brow_density=float(rng.uniform(0.5, 1.1)),
        brow_arch=float(rng.uniform(0.2, 0.9)),
        brow_thickness=float(rng.uniform(0.45, 1.0)) * (1.25 if male else 1.0),
        iris=np.array(IRISES[_draw_iris(rng, ancestry)], np.float32) / 255,
        pupil=float(rng.uniform(0.28, 0.55)),
        clothes=np.stack([muted_colour(rng, 0.05, 0.9, 0.45), muted_colour(rng, 0.1, 0.9, 0.4)]),
    )


def draw_shape(rng: np.random.Generator, traits: Traits) -> dict[str, float]:
    """Draws the weights of the targets that shape a person: their group's mean, and small deviations all over."""
    shape = _macro(traits)
    young, old = max(0.0, 1 - abs(traits.age - _YOUNG) / 0.5), max(0.0, (traits.age - _YOUNG) / 0.5)
    build = float(np.clip(rng.normal(0.05, 0.35), -0.8, 0.9))
    for gender, share in (("female", 1 - traits.gender), ("male", traits.gender)):
        for age, part in (("young", young), ("old", old)):
            shape[f"weight/{gender}-{age}-{'max' if build > 0 else 'min'}"] = abs(build) * share * part
    for name in ("oval", "round", "square", "rectangular", "diamond", "triangular", "invertedtriangular"):
        if rng.random() < 0.22:
            shape[f"head/head-{name}"] = float(rng.uniform(0, 0.2 if name in ("square", "rectangular") else 0.4))
    for group, names, ends, sigma in _DETAILS:
        for name in names:
            _add_signed(shape, f"{group}/{group.rstrip('s')}-{name}", ends, rng.normal(0, sigma))
    for group, names, ends, sigma in _SIDED:
        for name in names:
            value = rng.normal(0, sigma)
            for side in "lr":  # faces are symmetric, but not quite
                deviation = rng.normal(0, sigma * 0.15)
                _add_signed(shape, f"{group}/{side}-{group.rstrip('s')}-{name}", ends, value + deviation)
    asymmetric = [name for name in load_assets().target_names if name.startswith("asym/")]
    for index in rng.choice(len(asymmetric), 8, replace=False):
        shape[asymmetric[index]] = float(rng.uniform(0, 0.45))
    for name in ("length", "diameter"):
        _add_signed(shape, f"hands/l-hand-fingers-{name}", ("-decr", "-incr"), rng.normal(0, 0.3))
    return {name: weight for name, weight in shape.items() if weight > 1e-3}


# Group, parameters, the endings of their negative and positive target, and the deviation that still looks human.
_DETAILS: tuple[tuple[str, tuple[str, ...], tuple[str, str], float], ...] = (
    ("head", ("fat", "scale-vert", "scale-horiz", "scale-depth"), ("-decr", "-incr"), 0.18),
    ("head", ("angle",), ("-in", "-out"), 0.16),
    (
        "nose",
        ("scale-depth", "scale-horiz", "scale-vert", "volume", "width1", "width2", "width3", "hump", "greek"),
        ("-decr", "-incr"),
        0.24,
    ),
    ("nose", ("flaring", "nostrils-width", "point-width", "septumangle"), ("-decr", "-incr"), 0.24),
    ("nose", ("curve",), ("-concave", "-convex"), 0.22),
    ("nose", ("base", "point"), ("-down", "-up"), 0.22),
    ("nose", ("compression",), ("-compress", "-uncompress"), 0.2),
    (
        "mouth",
        ("scale-horiz", "lowerlip-height", "lowerlip-volume", "lowerlip-width", "upperlip-height", "upperlip-volume"),
        ("-decr", "-incr"),
        0.25,
    ),
    ("mouth", ("upperlip-width", "philtrum-volume", "cupidsbow"), ("-decr", "-incr"), 0.25),
    ("mouth", ("angles", "trans"), ("-down", "-up"), 0.18),
    ("mouth", ("dimples", "laugh-lines"), ("-in", "-out"), 0.22),
    (
        "chin",
        ("bones", "cleft", "height", "prominent", "width", "prognathism", "jaw-drop"),
        ("-decr", "-incr"),
        0.22,
    ),
    ("forehead", ("nubian", "scale-vert", "temple"), ("-decr", "-incr"), 0.25),
    ("neck", ("scale-horiz", "double"), ("-decr", "-incr"), 0.22),
    ("eyebrows", ("angle",), ("-down", "-up"), 0.2),
    ("eyebrows", ("trans",), ("-backward", "-forward"), 0.2),
)
_SIDED: tuple[tuple[str, tuple[str, ...], tuple[str, str], float], ...] = (
    ("eyes", ("height1", "height2", "height3", "scale"), ("-decr", "-incr"), 0.22),
    ("eyes", ("corner1", "corner2", "eyefold-angle", "eyefold"), ("-down", "-up"), 0.22),
    ("eyes", ("trans", "epicanthus"), ("-in", "-out"), 0.22),
    ("cheek", ("bones", "inner", "volume"), ("-decr", "-incr"), 0.25),
    ("ears", ("flap", "lobe", "scale", "scale-depth", "scale-vert", "wing"), ("-decr", "-incr"), 0.28),
)


def _add_signed(shape: dict[str, float], name: str, ends: tuple[str, str], value: float) -> None:
    target = name + ends[value > 0]
    assets = load_assets()
    if not assets.has_target(target):  # "eyebrows" keep their plural in the names of their targets
        target = target.replace("/eyebrow-", "/eyebrows-")
    shape[target] = float(min(abs(value), 0.8))


def _macro(traits: Traits) -> dict[str, float]:
    """The weights of the means by ancestry, gender and age, which MakeHuman's base mesh is not complete without."""
    age = traits.age
    ages = {
        "child": max(0.0, (_YOUNG - age) / 0.3125),
        "young": 1 - abs(age - _YOUNG) / (0.3125 if age < _YOUNG else 0.5),
        "old": max(0.0, (age - _YOUNG) / 0.5),
    }
    return {
        f"macro/{race}-{gender}-{name}": share * part * weight
        for race, share in zip(RACES, traits.ancestry, strict=True)
        for gender, part in (("female", 1 - traits.gender), ("male", traits.gender))
        for name, weight in ages.items()
    }


def _draw_style(rng: np.random.Generator, male: bool, aged: float) -> str:
    weights = np.array([(style.male if male else style.female) for style in STYLES.values()])
    weights = weights * [1 + 3 * aged * male * (name == "bald") for name in STYLES]
    return str(rng.choice(list(STYLES), p=weights / weights.sum()))


def _draw_hair_colour(rng: np.random.Generator, ancestry: np.ndarray, aged: float) -> Floats:
    c, a, b = ancestry
    weights = {
        "black": 0.6 * a + 0.8 * b + 0.05,
        "dark brown": 0.3,
        "brown": 0.25 * c + 0.03,
        "auburn": 0.08 * c + 0.01,
        "light brown": 0.15 * c + 0.01,
        "blond": 0.22 * c + 0.01,
        "grey": 0.9 * aged**2,
        "white": 0.5 * aged**2,
    }
    total = sum(weights.values())
    name = str(rng.choice(list(weights), p=[weight / total for weight in weights.values()]))
    colour = DYES[int(rng.integers(len(DYES)))] if rng.random() < 0.05 else HAIR_COLOURS[name]
    shade = np.array(colour, np.float32) / 255 * (1 + rng.normal(0, 0.12)) * (1 + rng.normal(0, 0.025, 3))
    return np.clip(shade, 0.02, 0.95).astype(np.float32)


def _draw_iris(rng: np.random.Generator, ancestry: np.ndarray) -> int:
    light = float(ancestry[0])
    weights = np.array([0.4, 0.35, 0.15 * light + 0.02, 0.14 * light, 0.1 * light, 0.14 * light])
    return int(rng.choice(len(weights), p=weights / weights.sum()))
