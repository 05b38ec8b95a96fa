"""Days, years, ages and the school calendar of England.

A day is a whole number. Day 1 is 1 April 2025, the first day that the model lives through; day 0 is 31 March 2025,
the day of the official count that it starts from; days before are negative. A model year runs from 1 April to
31 March, as official tables do: year 1 is days 1 to 365, year 2 is days 366 to 730, year 3 (with 29 February 2028)
is days 731 to 1096. A school year runs from 1 September and is named by the year in which it began.

Terms are ASSUMED: each authority and academy sets its own, so the model uses one pattern for all, written as the
rules in `school_holidays` and close to what most authorities published for 2024/25 to 2026/27. Public holidays are
those of the Banking and Financial Dealings Act 1971 and of custom in England.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import overload

import numpy as np
from numpy.typing import NDArray

FIRST_DAY = date(2025, 4, 1)
"""The date of day 1."""
DAY_ZERO = FIRST_DAY.toordinal() - 1
"""The proleptic Gregorian ordinal of day 0 (31 March 2025)."""
FIRST_YEAR = FIRST_DAY.year
"""The calendar year in which model year 1 begins."""

QUARTER_DAYS_IN_A_YEAR = 1461
"""A year of 365.25 days, in quarters of a day."""
TEN = 3653
"""The first day of life [days] on which somebody counts as aged 10."""
EIGHTEEN = 6575
"""The first day of life [days] on which somebody counts as aged 18 and leaves: 18 * 365.25 = 6574.5, rounded up.

Somebody born on day b is under 18 while day - b < 6574.5.
"""

MONDAY, WEDNESDAY, FRIDAY, SATURDAY = 0, 2, 4, 5
"""Days of the week, as `date.weekday` counts them."""
WEEK = timedelta(days=7)
ONE_DAY = timedelta(days=1)


def date_of(day: int) -> date:
    """The date of a day: `date_of(1)` is 1 April 2025."""
    return date.fromordinal(DAY_ZERO + int(day))


def day_of(when: date) -> int:
    """The day of a date: `day_of(date(2025, 4, 1))` is 1."""
    return when.toordinal() - DAY_ZERO


def year_of(day: int) -> int:
    """The model year of a day, counted from 1: days 1 to 365 are year 1, day 366 is year 2, day 0 is year 0."""
    when = date_of(day)
    return when.year - FIRST_YEAR + (when.month >= 4)


def first_day_of_year(year: int) -> int:
    """The day of the 1 April on which a model year begins: `first_day_of_year(1)` is 1."""
    return day_of(date(FIRST_YEAR + year - 1, 4, 1))


def last_day_of_year(year: int) -> int:
    """The day of the 31 March on which a model year ends: `last_day_of_year(1)` is 365, of year 3 is 1096."""
    return first_day_of_year(year + 1) - 1


def school_year(day: int) -> int:
    """The calendar year in which the school year of a day began: 2025 for 1 September 2025 to 31 August 2026."""
    when = date_of(day)
    return when.year - (when.month < 9)


def first_septembers(first_day: int, last_day: int) -> tuple[int, ...]:
    """Every 1 September from the first to the last day, both included, in order [days]."""
    years = range(date_of(first_day).year, date_of(last_day).year + 1)
    septembers = (day_of(date(year, 9, 1)) for year in years)
    return tuple(day for day in septembers if first_day <= day <= last_day)


@overload
def age_on(born: int, day: int) -> int: ...
@overload
def age_on(born: NDArray[np.integer], day: int | NDArray[np.integer]) -> NDArray[np.int32]: ...
@overload
def age_on(born: int, day: NDArray[np.integer]) -> NDArray[np.int32]: ...
def age_on(born, day):
    """Age in whole years, on a day, of those born on another; whole numbers or arrays of them [years].

    A year is 365.25 days and all arithmetic is in whole numbers, so the age steps to 18 exactly on day
    `born + EIGHTEEN`. Arrays come back as int32, whatever small type they are stored in.
    """
    lived = day - born
    if isinstance(lived, np.ndarray | np.generic):
        lived = lived.astype(np.int32)
    return lived * 4 // QUARTER_DAYS_IN_A_YEAR


def is_bank_holiday(day: int) -> bool:
    """Whether a day is a public holiday in England, substitute days included."""
    when = date_of(day)
    return when in bank_holidays(when.year)


def is_working_day(day: int) -> bool:
    """Whether a day is neither a weekend nor a public holiday."""
    return date_of(day).weekday() < SATURDAY and not is_bank_holiday(day)


def is_school_day(day: int) -> bool:
    """Whether schools are open to pupils: a weekday in term, not a public holiday."""
    when = date_of(day)
    return when in school_days(school_year(day))


@cache
def easter(year: int) -> date:
    """Easter Sunday in the Gregorian calendar (the anonymous computus of 1876, as J. Meeus gives it)."""
    golden = year % 19
    century, rest = divmod(year, 100)
    leap_centuries, odd_centuries = divmod(century, 4)
    moon_correction = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - leap_centuries - moon_correction + 15) % 30
    leaps, odd_years = divmod(rest, 4)
    to_sunday = (32 + 2 * odd_centuries + 2 * leaps - epact - odd_years) % 7
    late_moon = (golden + 11 * epact + 22 * to_sunday) // 451
    month, day = divmod(epact + to_sunday - 7 * late_moon + 114, 31)
    return date(year, month, day + 1)


@cache
def bank_holidays(year: int) -> frozenset[date]:
    """The eight public holidays of England in a calendar year; one that falls on a weekend moves past it."""
    new_year, christmas, boxing_day = date(year, 1, 1), date(year, 12, 25), date(year, 12, 26)
    christmas_falls = christmas.weekday()
    return frozenset(
        {
            _next(MONDAY, new_year) if new_year.weekday() >= SATURDAY else new_year,
            easter(year) - 2 * ONE_DAY,
            easter(year) + ONE_DAY,
            _next(MONDAY, date(year, 5, 1)),
            _last(MONDAY, date(year, 5, 31)),
            _last(MONDAY, date(year, 8, 31)),
            date(year, 12, 27) if christmas_falls >= SATURDAY else christmas,
            date(year, 12, 28) if christmas_falls in (FRIDAY, SATURDAY) else boxing_day,
        }
    )


def school_holidays(year: int) -> tuple[tuple[date, date], ...]:
    """The holidays inside the school year that began in a year, as (first weekday, last weekday), both included.

    ASSUMED pattern, in order: the autumn half-term, the week of the last Monday of October; Christmas, from the
    Monday after the Friday of 16-22 December until the first Monday from 2 January; the February half-term, the week
    of the first Monday from 12 February; Easter, the week before Easter Sunday and the week after; the summer
    half-term, the week of the last Monday of May.
    """
    autumn = _last(MONDAY, date(year, 10, 31))
    back_in_january = _next(MONDAY, date(year + 1, 1, 2))
    christmas = _next(FRIDAY, date(year, 12, 16)) + 3 * ONE_DAY
    february = _next(MONDAY, date(year + 1, 2, 12))
    holy_week = easter(year + 1) - 6 * ONE_DAY
    may = _last(MONDAY, date(year + 1, 5, 31))
    to_friday = 4 * ONE_DAY
    return (
        (autumn, autumn + to_friday),
        (christmas, back_in_january - 3 * ONE_DAY),
        (february, february + to_friday),
        (holy_week, holy_week + WEEK + to_friday),
        (may, may + to_friday),
    )


@cache
def school_days(year: int) -> frozenset[date]:
    """The days on which schools are open to pupils in the school year that began in a year: 187 to 192 of them.

    From the first weekday from 3 September to the Wednesday of 19-25 July, without weekends, public holidays,
    `school_holidays`, and the Monday after each of those, when staff are trained. The law asks for 190 days
    (Education (School Day and School Year) (England) Regulations 1999).
    """
    first, last = date(year, 9, 3), _next(WEDNESDAY, date(year + 1, 7, 19))
    holidays = school_holidays(year)
    training = {end + 3 * ONE_DAY for _, end in holidays}
    closed = bank_holidays(year) | bank_holidays(year + 1) | training
    return frozenset(
        when
        for when in (first + n * ONE_DAY for n in range((last - first).days + 1))
        if when.weekday() < SATURDAY and when not in closed and not any(begin <= when <= end for begin, end in holidays)
    )


@dataclass(frozen=True, eq=False, init=False)
class Calendar:
    """What kind of day each day of a run is, looked up without thinking about dates.

    Every column has shape (days,), is read-only, and is indexed by `day - first_day`.

    Raises ValueError if the last day comes before the first.
    """

    first_day: int
    last_day: int
    school_day: NDArray[np.bool_]
    """Schools are open to pupils."""
    working_day: NDArray[np.bool_]
    """Neither a weekend nor a public holiday."""
    first_september: NDArray[np.bool_]
    """1 September: the school year turns, and entrants come."""
    last_of_year: NDArray[np.bool_]
    """31 March: the official count is taken."""
    year: NDArray[np.int32]
    """Model year, counted from 1."""

    def __init__(self, first_day: int, last_day: int):
        if last_day < first_day:
            raise ValueError(f"a calendar cannot end on day {last_day}, before it begins on day {first_day}.")
        days = range(first_day, last_day + 1)
        dates = [date_of(day) for day in days]
        columns = {
            "first_day": first_day,
            "last_day": last_day,
            "school_day": np.array([is_school_day(day) for day in days], dtype=np.bool_),
            "working_day": np.array([is_working_day(day) for day in days], dtype=np.bool_),
            "first_september": np.array([(when.month, when.day) == (9, 1) for when in dates], dtype=np.bool_),
            "last_of_year": np.array([(when.month, when.day) == (3, 31) for when in dates], dtype=np.bool_),
            "year": np.array([year_of(day) for day in days], dtype=np.int32),
        }
        for name, column in columns.items():
            if isinstance(column, np.ndarray):
                column.flags.writeable = False
            object.__setattr__(self, name, column)

    def __len__(self) -> int:
        return self.last_day - self.first_day + 1


def _next(weekday: int, when: date) -> date:
    """The first such weekday on or after a date."""
    return when + timedelta(days=(weekday - when.weekday()) % 7)


def _last(weekday: int, when: date) -> date:
    """The last such weekday on or before a date."""
    return when - timedelta(days=(when.weekday() - weekday) % 7)
