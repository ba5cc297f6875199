"""Tables of published numbers: what they say, and how well simulated jets agree."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from calovision.errors import InputError
from calovision.simulation.calibration.statistics import QUANTITIES, Statistic, measured
from calovision.simulation.detector import CMS_BARREL
from calovision.utils.plain_yaml import mapping_of
from calovision.utils.unreadable import reading

PUBLISHED = Path(__file__).with_name("published.yaml")
CLASSES = ("gluon", "quark")
_FINE = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Number(BaseModel):
    """A published statistic of one quantity, of one class or both.

    Attributes:
        quantity: one of :data:`~calovision.simulation.calibration.statistics.QUANTITIES`.
        statistic: ``mean``, ``sd`` (standard deviation), or a quantile in per cent.
        gluon, quark: its values; None where not published.
        rounding: unit of the last published digit.
        error: published standard error.
        tolerance: accepted relative deviation.
        difference: that of the difference gluon - quark, if it is to be compared.
    """

    model_config = _FINE
    quantity: Literal[QUANTITIES]  # type: ignore[valid-type]
    statistic: Statistic
    gluon: float | None = None
    quark: float | None = None
    rounding: float = Field(0.0, ge=0)
    error: float = Field(0.0, ge=0)
    tolerance: float = Field(gt=0, le=1)
    difference: float | None = Field(None, gt=0, le=1)


class Table(BaseModel):
    """Published numbers, and which constants are fitted to them.

    Attributes:
        source: where the numbers are from.
        numbers: what is published.
        constants: name of a field of :class:`~calovision.simulation.detector.Detector` to the
            standard deviation of what one knows of it beforehand, in its unit.
    """

    model_config = _FINE
    source: str
    numbers: tuple[Number, ...] = Field(min_length=1)
    constants: dict[str, float] = Field(min_length=1)

    def rows(self) -> list[Row]:
        """What is to be compared, nothing simulated yet: both classes, then their difference."""
        rows = []
        for n in self.numbers:
            doubt = math.hypot(n.rounding / math.sqrt(12), n.error)
            for group, value in zip(CLASSES, (n.gluon, n.quark), strict=True):
                if value is not None:
                    rows.append(Row(n.quantity, n.statistic, group, value, doubt, n.tolerance))
            if n.difference is not None and n.gluon is not None and n.quark is not None:
                value, doubt = n.gluon - n.quark, math.sqrt(2) * doubt
                rows.append(Row(n.quantity, n.statistic, "difference", value, doubt, n.difference))
        return rows


@dataclass(frozen=True)
class Row:
    """One published number beside a simulated one.

    Attributes:
        quantity: what it is about.
        statistic: which of its statistics.
        group: ``gluon``, ``quark`` or ``difference`` (gluon minus quark).
        published: the number.
        doubt: its own standard error, rounding included.
        tolerance: accepted relative deviation.
        simulated: by the simulation.
        error: statistical error of ``simulated``.
    """

    quantity: str
    statistic: Statistic
    group: str
    published: float
    doubt: float
    tolerance: float
    simulated: float = math.nan
    error: float = math.nan

    @property
    def deviation(self) -> float:
        """Relative deviation from the published number."""
        return self.simulated / self.published - 1

    @property
    def sigma(self) -> float:
        """What a fit takes for a standard deviation: half the tolerance, and both errors."""
        return math.hypot(self.tolerance * self.published / 2, self.doubt, self.error)

    @property
    def pull(self) -> float:
        """Deviation over :attr:`sigma`."""
        return (self.simulated - self.published) / self.sigma

    def agrees(self, sigmas: float = 0.0) -> bool:
        """Whether the deviation is within the tolerance, widened by so many standard errors."""
        room = self.tolerance * abs(self.published) + sigmas * math.hypot(self.error, self.doubt)
        return abs(self.simulated - self.published) <= room


def read_table(path: Path = PUBLISHED) -> Table:
    """Read a table from a YAML file.

    Raises:
        InputError: it is none, or names what there is not.
    """
    try:
        with reading(path):
            text = path.read_text(encoding="utf-8")
        table = Table.model_validate(mapping_of(text))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise InputError(f"{path}: {where}: {first['msg']}", f"see {PUBLISHED}") from None
    except ValueError as error:
        raise InputError(f"{path} is no table ({error})", f"see {PUBLISHED}") from None
    for number in table.numbers:
        if number.gluon is None and number.quark is None:
            raise InputError(
                f"{path}: {number.quantity} {number.statistic} has no value", "give gluon or quark"
            )
        if number.difference and (number.gluon is None or number.quark is None):
            raise InputError(
                f"{path}: {number.quantity} has no difference of classes", "give gluon and quark"
            )
        if 0.0 in (number.gluon, number.quark) or (
            number.difference and number.gluon == number.quark
        ):
            raise InputError(
                f"{path}: {number.quantity} {number.statistic} is compared with 0",
                "leave it out: deviations are relative",
            )
    for name, width in table.constants.items():
        if not isinstance(getattr(CMS_BARREL, name, None), float):
            raise InputError(f"{path}: no constant {name!r} can be fitted", "see Detector")
        if not width > 0:
            raise InputError(f"{path}: {name} is known to {width:g}", "give a width above 0")
    return table


def compare(
    table: Table,
    jets: Mapping[str, Mapping[str, NDArray[np.float64]]],
    weights: Mapping[str, NDArray[np.float64]] | None = None,
) -> list[Row]:
    """Compare jets with a table.

    Args:
        table: of published numbers.
        jets: class to quantity to ``(n,)`` values, of
            :func:`~calovision.simulation.calibration.statistics.quantities`.
        weights: class to ``(n,)`` weights of the jets; 1 by default.
    """
    rows = []
    found: dict[str, tuple[float, float]] = {}
    for row in table.rows():
        if row.group in CLASSES:
            values = jets[row.group][row.quantity]
            weight = np.ones(len(values)) if weights is None else weights[row.group]
            found[row.group] = measured(values, weight, row.statistic)
            value, error = found[row.group]
        else:  # after both classes
            (gluon, e1), (quark, e2) = found["gluon"], found["quark"]
            value, error = gluon - quark, math.hypot(e1, e2)
        rows.append(replace(row, simulated=value, error=error))
    return rows


def markdown(rows: list[Row], before: list[Row] | None = None) -> str:
    """Rows as a Markdown table, what is outside its tolerance in bold.

    Args:
        rows: to show.
        before: the same rows before a fit, to show beside them.
    """
    head = ["quantity", "class", "published", *(["before"] if before else []), "simulated"]
    head += ["deviation", "accepted"]
    lines = [f"| {' | '.join(head)} |", f"| {' | '.join(['---'] * len(head))} |"]
    for k, row in enumerate(rows):
        deviation = f"{row.deviation:+.1%}"
        cells = [f"{row.quantity}, {row.statistic}", row.group, f"{row.published:.4g}"]
        cells += [f"{before[k].simulated:.4g}"] if before else []
        cells += [f"{row.simulated:.4g} ± {row.error:.2g}"]
        cells += [deviation if row.agrees() else f"**{deviation}**", f"{row.tolerance:.0%}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
