"""Names that configs of earlier versions use: they are still read, and the log has a sentence about each."""

from collections.abc import Collection, Mapping
from functools import cache

from absl import logging


def current_name(name: str, known: Collection[str], former: Mapping[str, str], where: str) -> str:
    """Returns what a name that is no longer known is called now, and logs it once; any other name as it is.

    Args:
        name: as the config gives it.
        known: the names of today.
        former: from former names to those of today.
        where: the config key, for the log.
    """
    current = former.get(name)
    if current is None or name in known or current not in known:
        return name
    _log(where, name, current)
    return current


@cache
def _log(where: str, name: str, current: str) -> None:
    logging.warning("%s: '%s' is now called '%s'; the former name is still read", where, name, current)
