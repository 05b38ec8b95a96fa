"""Days, ages and school days, against dates that were looked up by hand."""

from datetime import date

import numpy as np
import pytest

from sim.dates import (
    EIGHTEEN,
    TEN,
    Calendar,
    age_on,
    bank_holidays,
    date_of,
    day_of,
    easter,
    first_day_of_year,
    first_septembers,
    is_bank_holiday,
    is_school_day,
    is_working_day,
    last_day_of_year,
    school_days,
    school_holidays,
    school_year,
    year_of,
)


def school_open(year, month, day):
    return is_school_day(day_of(date(year, month, day)))


def test_day_1_is_the_first_of_april_2025():
    assert date_of(1) == date(2025, 4, 1)
    assert date_of(0) == date(2025, 3, 31)
    assert day_of(date(2026, 4, 1)) == 366


def test_days_and_dates_are_inverse():
    assert all(day_of(date_of(day)) == day for day in range(-7000, 3000))
    assert date_of(np.int32(31)) == date(2025, 5, 1)


def test_years_end_on_31_march_and_know_leap_days():
    assert [last_day_of_year(year) for year in range(6)] == [0, 365, 730, 1096, 1461, 1826]
    assert [first_day_of_year(year) for year in (1, 2, 4)] == [1, 366, 1097]
    assert [year_of(day) for day in (-365, -364, 0, 1, 365, 366, 1096, 1097)] == [-1, 0, 0, 1, 1, 2, 3, 4]
    assert date_of(1064) == date(2028, 2, 28) and date_of(1065) == date(2028, 2, 29)


def test_school_years_begin_on_1_september():
    first_of_september = day_of(date(2025, 9, 1))
    assert first_of_september == 154
    assert school_year(first_of_september) == 2025
    assert school_year(first_of_september - 1) == 2024
    assert first_septembers(1, 884) == (154, 519, 884)
    assert first_septembers(155, 883) == (519,)
    assert first_septembers(155, 160) == ()


def test_somebody_is_eighteen_on_day_6575_of_life_and_ten_on_day_3653():
    assert (age_on(0, EIGHTEEN - 1), age_on(0, EIGHTEEN)) == (17, 18)
    assert (age_on(0, TEN - 1), age_on(0, TEN)) == (9, 10)
    assert EIGHTEEN == 6575 and 6574 < 18 * 365.25 < EIGHTEEN


def test_age_is_the_same_in_whole_numbers_as_with_fractions_of_days():
    lived = np.arange(0, 8000)
    assert np.array_equal(age_on(np.zeros(8000, np.int32), lived), np.floor(lived / 365.25))


def test_age_of_small_integers_does_not_overflow():
    born = np.array([-6575, -6574, 1000], dtype=np.int16)
    assert age_on(born, 2192).tolist() == [24, 24, 3]  # 4 times 8767 days does not fit 16 bits
    assert age_on(born, 2192).dtype == np.int32
    assert age_on(0, np.array([6574, 6575])).tolist() == [17, 18]
    assert age_on(np.int16(-6575), 2192) == 24


@pytest.mark.parametrize(
    "sunday",
    [date(2024, 3, 31), date(2025, 4, 20), date(2026, 4, 5), date(2027, 3, 28), date(2038, 4, 25), date(2008, 3, 23)],
)
def test_easter(sunday):
    assert easter(sunday.year) == sunday


def test_bank_holidays_of_2026_as_published():
    assert sorted(bank_holidays(2026)) == [
        date(2026, 1, 1),
        date(2026, 4, 3),
        date(2026, 4, 6),
        date(2026, 5, 4),
        date(2026, 5, 25),
        date(2026, 8, 31),
        date(2026, 12, 25),
        date(2026, 12, 28),
    ]
    assert is_bank_holiday(day_of(date(2026, 12, 28))) and not is_bank_holiday(day_of(date(2026, 12, 26)))


@pytest.mark.parametrize(
    ("year", "christmas"),
    [(2025, (25, 26)), (2026, (25, 28)), (2021, (27, 28)), (2022, (26, 27))],
)
def test_christmas_on_a_weekend_moves(year, christmas):
    assert {when.day for when in bank_holidays(year) if when.month == 12} == set(christmas)


def test_new_year_on_a_weekend_moves():
    assert date(2022, 1, 3) in bank_holidays(2022) and date(2022, 1, 1) not in bank_holidays(2022)


def test_holidays_of_2025_26():
    assert school_holidays(2025) == (
        (date(2025, 10, 27), date(2025, 10, 31)),
        (date(2025, 12, 22), date(2026, 1, 2)),
        (date(2026, 2, 16), date(2026, 2, 20)),
        (date(2026, 3, 30), date(2026, 4, 10)),
        (date(2026, 5, 25), date(2026, 5, 29)),
    )


def test_holidays_at_the_edges_of_their_rules():
    assert school_holidays(2023)[1:3] == (
        (date(2023, 12, 25), date(2024, 1, 5)),  # 1 January is a Monday: back on the 8th
        (date(2024, 2, 12), date(2024, 2, 16)),
    )
    assert not school_open(2023, 1, 2) and school_open(2023, 1, 3)  # 1 January is a Sunday: the 2nd is its substitute


def test_school_days_around_the_turns_of_the_year():
    assert not school_open(2025, 9, 2) and school_open(2025, 9, 3)
    assert school_open(2025, 12, 19) and not school_open(2026, 1, 5) and school_open(2026, 1, 6)
    assert not school_open(2026, 5, 4)  # a bank holiday in term
    assert school_open(2026, 7, 22) and not school_open(2026, 7, 23)
    assert not school_open(2026, 8, 12)
    assert not school_open(2025, 9, 6)  # a Saturday
    assert school_open(2025, 4, 1)  # day 1, before Easter


def test_about_190_school_days_a_year():
    counts = {len(school_days(year)) for year in range(2020, 2060)}
    assert min(counts) >= 187 and max(counts) <= 192
    assert len(school_days(2025)) == 190


def test_working_days():
    """Of 2025: a Friday, the weekend, a Monday; Good Friday."""
    assert [is_working_day(day_of(date(2025, 4, day))) for day in (4, 5, 6, 7, 18)] == [True, False, False, True, False]


def test_the_calendar_agrees_with_the_functions():
    calendar = Calendar(-30, 1200)
    days = range(-30, 1201)
    assert len(calendar) == len(days)
    assert calendar.school_day.tolist() == [is_school_day(day) for day in days]
    assert calendar.working_day.tolist() == [is_working_day(day) for day in days]
    assert calendar.year.tolist() == [year_of(day) for day in days]
    assert (np.flatnonzero(calendar.first_september) - 30).tolist() == [154, 519, 884]
    assert (np.flatnonzero(calendar.last_of_year) - 30).tolist() == [0, 365, 730, 1096]


def test_the_calendar_cannot_be_written_nor_end_before_it_begins():
    with pytest.raises(ValueError, match="read-only"):
        Calendar(1, 10).school_day[0] = True
    with pytest.raises(ValueError, match="cannot end on day 0"):
        Calendar(1, 0)
    assert len(Calendar(1, 1)) == 1
