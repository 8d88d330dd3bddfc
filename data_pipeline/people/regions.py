"""What a texel or a pixel shows, as class ids; every mask is a set of them."""

from enum import IntEnum


class Region(IntEnum):
    """Lists the classes that the rasteriser tells apart."""

    BACKGROUND = 0
    SKIN = 1  # of the face, with brows and lashes
    EYE = 2
    MOUTH = 3  # its inside: teeth, tongue, cavity
    BEARD = 4
    EAR = 5
    NECK = 6
    HAIR = 7
    CLOTHES = 8
    HAND = 9
    OBJECT = 10
    GLASSES = 11  # their frames
    WEAR = 12  # masks, hats, scarves, headphones
    LENS = 13  # dark ones, and clear ones where these are to count as occluders
    VEIL = 14  # smoke, nets, rain: what lets some of the face through


FACE = (Region.SKIN, Region.EYE, Region.MOUTH, Region.BEARD)
# What a translucent light scatters in.
FLESH = (Region.SKIN, Region.MOUTH, Region.EAR, Region.NECK, Region.HAND)
