"""The study's tables, from the results of its runs."""

from collections.abc import Collection, Sequence

from eval.report import Cells, markdown
from eval.study.outcomes import LEGEND
from eval.study.power import detectable, pooled, seeds_needed
from eval.study.questions import BASE, QUESTIONS, Question, Table
from eval.study.run import START
from eval.study.statistics import (
    Comparison,
    Values,
    difference,
    interval_of,
    mean_of,
    means_by_seed,
    variance_of,
)
from rvm_jax.errors import UserError

_MORE_PICTURES = 4  # times those measured, in the second half of the power table
_WANTED = 0.05  # of the base's error: the difference that the power calculation asks for


def document(table: Table, planned: int = 2) -> str:
    """Returns all tables as Markdown.

    Args:
      table: of the results.
      planned: number of contenders of the study, for its power.
    """
    first = table.first()
    pairs = table.comparisons(first)
    base = mean_of(table.values(table.base, first))
    parts = [
        f"{len(table.names)} contenders, {len(table.seeds)} seeds each.",
        f"**All outcomes** (means with 95 % intervals of each by itself)\n\n{markdown(outcomes_table(table))}",
        f"**Differences from `{table.base}`** (95 % intervals for all pairs together; * significant by Holm; only the "
        f"first outcome was to carry a claim)\n\n{markdown(differences_table(table))}",
        f"**{first.title}, all pairs** (95 % intervals for all together; p as it is, and by Holm)",
        markdown(pairs_table(pairs, base, table.base)),
        conclusion(pairs, base, table.base),
        f"**{LEGEND[first.outcome]}, by category**\n\n{markdown(categories_table(table, first.outcome))}",
        f"**{first.title}, by seed**\n\n{markdown(seeds_table(table, first))}",
        power_text(table, first, base, planned),
        "\n".join(f"- {name}: {text}" for name, text in LEGEND.items()),
    ]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def outcomes_table(table: Table) -> Cells:
    """Returns a column an outcome, a line a contender, after one for the start where that was measured."""
    found = {question: table.of(question) for question in QUESTIONS}
    asked = [question for question, values in found.items() if values]
    lines = [["contender", *(question.title for question in asked)]]
    if table.start:
        lines.append([START, *(_number(mean_of(table.of_start(question))) for question in asked)])
    for name in table.names:
        lines.append([name, *(_with_interval(found[question][name]) for question in asked)])
    return lines


def differences_table(table: Table) -> Cells:
    """Returns a column an outcome, a line a contender: what it is above the base, starred where it is significant."""
    asked = [question for question in QUESTIONS if table.of(question)]
    lines = [["contender", *(question.title for question in asked)]]
    columns = [table.beside_base(question) for question in asked]
    return lines + [[name, *(_signed(column[name]) for column in columns)] for name in columns[0]]


def pairs_table(pairs: Sequence[Comparison], base: float, base_name: str) -> Cells:
    """Returns a line a pair; shares are of the base's mean."""
    lines = [["pair", "difference", f"share of `{base_name}`", "p", "corrected"]]
    for each in pairs:
        share = f"{100 * each.difference / base:+.1f} % [{100 * each.low / base:+.1f}, {100 * each.high / base:+.1f}]"
        text = f"{each.difference:+.2f} [{each.low:+.2f}, {each.high:+.2f}]"
        mark = " *" if each.is_real else ""
        lines.append([f"{each.ours} − {each.theirs}", text, share, f"{each.p:.3f}", f"{each.corrected_p:.3f}{mark}"])
    return lines


def categories_table(table: Table, outcome: str) -> Cells:
    """Returns a line a category, a column a contender."""
    lines = [["category", "units", *table.names]]
    everything = [Question("", outcome, None, bare) for bare in (False, True)]
    found = {name: {c: v for each in everything for c, v in table.values(name, each).items()} for name in table.names}
    for category in sorted(found[table.names[0]]):
        part = {name: {category: found[name][category]} for name in table.names}
        units = part[table.names[0]][category].shape[1]
        lines.append([category, str(units), *(_with_interval(values) for values in part.values())])
    return lines


def seeds_table(table: Table, question: Question) -> Cells:
    """Returns a line a seed, a column a contender."""
    columns = [means_by_seed(values) for values in table.of(question).values()]
    lines = [
        [str(seed), *map(_number, means)] for seed, means in zip(table.seeds, zip(*columns, strict=True), strict=True)
    ]
    return [["seed", *table.names], *lines]


def conclusion(pairs: Sequence[Comparison], base: float, base_name: str) -> str:
    """Returns what the comparisons of the first outcome say, in a sentence or two."""
    real = [each for each in pairs if each.is_real]
    bound = max(max(abs(each.low), abs(each.high)) for each in pairs)
    limit = f"No difference is larger than {bound:.1f}, {100 * bound / base:.0f} % of `{base_name}` (95 %, all pairs)."
    if not real:
        return f"No pair differs significantly. {limit}"
    names = ", ".join(f"{each.ours} − {each.theirs} ({each.difference:+.1f})" for each in real)
    return f"{len(real)} of {len(pairs)} pairs differ significantly: {names}. {limit}"


def power_text(table: Table, question: Question, base: float, planned: int) -> str:
    """Returns what a study of this variance finds, and how many seeds 5 % need."""
    found, pairs = table.of(question), table.pairs
    spread = pooled([variance_of(difference(found[ours], found[theirs])) for ours, theirs in pairs])
    wanted = _WANTED * base
    lines: Cells = [["pictures", "contenders", "smallest difference found in 4 of 5 cases", "seeds that 5 % need"]]
    for factor in (1, _MORE_PICTURES):
        for count in sorted({2, len(table.names), planned}):
            smallest = detectable(spread.with_pictures(factor), len(table.seeds), count)
            needed = seeds_needed(spread.with_pictures(factor), wanted, count)
            text = str(needed) if needed else "no number: more pictures"
            named = "these" if factor == 1 else f"{factor} times as many"
            lines.append([named, str(count), f"{smallest:.2f} ({100 * smallest / base:.1f} %)", text])
    about = (
        f"**Power**, of the mean variance of a difference ({spread.of_seed**0.5:.2f} over seeds, "
        f"{spread.of_units**0.5:.2f} of the mean over pictures, as standard deviations), {len(table.seeds)} seeds:"
    )
    return f"{about}\n\n{markdown(lines)}"


def _with_interval(values: Values) -> str:
    low, high = interval_of(values)
    return f"{_number(mean_of(values))} [{_number(low)}, {_number(high)}]"


def _signed(each: Comparison) -> str:
    places = 1 if abs(each.high - each.low) >= 10 else 3
    star = " *" if each.is_real else ""
    return f"{each.difference:+.{places}f} [{each.low:+.{places}f}, {each.high:+.{places}f}]{star}"


def _number(value: float) -> str:
    places = 1 if abs(value) >= 10 else 3 if abs(value) < 1 else 2
    return f"{value:.{places}f}"


def order_of(contenders: Collection[str], names: Sequence[str]) -> list[str]:
    """Returns the names, each once and the base first; all contenders where there are none."""
    for name in names:
        if name not in contenders:
            raise UserError(f"--contenders: '{name}' is none of {', '.join(contenders)}")
    return sorted(dict.fromkeys(names or contenders), key=lambda name: name != BASE)
