"""What can go wrong in each mechanism and policy, one thing at a time: the text of the rule, what it is broken to, and the tests that notice."""

from __future__ import annotations

from typing import NamedTuple


class Mutation(NamedTuple):
    """One rule broken: `text` stands once in `file` (a path below sim/), and is `instead` in the broken copy."""

    what: str
    file: str
    text: str
    instead: str
    noticed_by: tuple[str, ...]  # tests, by file and name


def _mechanism(topic: str, *names: str) -> tuple[str, ...]:
    return tuple(f"tests/mechanisms/test_{topic}.py::{name}" for name in names)


RECRUITED = _mechanism("recruitment", "test_each_way_in_closed_alone_lowers_recruitment")
DEBT = _mechanism("debt", "test_cancelling_debts_changes_episodes_and_exits")
REFERENCE = ("tests/reference/test_reference.py::test_a_short_run_of_all_policies_together_agrees",)
DIALS = _mechanism("policies_take_hold", "test_a_policy_turns_its_dial_where_it_serves_and_lets_go_of_it")
RARE = ("tests/reference/test_reference.py::test_a_short_run_in_which_rare_things_are_common_agrees",)

MECHANISMS = (
    Mutation("children come a year early", "demography.py", "year = date_of(self.model.day).year - 11", "year = date_of(self.model.day).year - 10",
             _mechanism("demography_and_school", "test_children_come_on_1_september_aged_ten_and_leave_on_their_eighteenth_birthday")),
    Mutation("children leave a day late", "demography.py", "5844, EIGHTEEN))", "5844, EIGHTEEN + 1))",
             _mechanism("demography_and_school", "test_children_come_on_1_september_aged_ten_and_leave_on_their_eighteenth_birthday")),
    Mutation("exploitation brings no trouble at school", "schooling.py", "at=self.parameters.when_exploited", "at=1.0",
             _mechanism("demography_and_school", "test_exploitation_brings_trouble_at_school")),
    Mutation("schools never open again", "recruitment.py", "if not model.is_school_day:", "if False:",
             _mechanism("demography_and_school", "test_a_child_is_met_at_school_only_when_there_is_school")),
    Mutation("nobody minds that exploitation is known", "asking.py", "rule.refusal_when_known if request.known else rule.refusal", "rule.refusal",
             _mechanism("care", "test_a_child_who_is_known_to_be_exploited_is_refused_more_and_ends_further_away")),
    Mutation("homes without a free bed take children", "asking.py", "        if home.free > 0:", "        if home.free > -9:",
             _mechanism("care", "test_removing_a_county_s_homes_lengthens_distances_of_its_children_and_not_of_others")),
    Mutation("placements break down twice as often", "placements.py", "hazard = self.rates[kind] * difference", "hazard = 2.0 * self.rates[kind] * difference", REFERENCE),
    Mutation("known children go where others go", "placements.py", "            young[CHILDRENS_HOME] *= p.known_to_homes\n            older[CHILDRENS_HOME] *= p.known_to_homes\n", "            pass\n",
             _mechanism("care", "test_a_child_who_is_known_to_be_exploited_is_placed_in_a_children_s_home_more_often")),
    Mutation("the first days after arrival are like any others", "unaccompanied.py", "at=p.first_days,", "at=1.0,",
             _mechanism("care", "test_unaccompanied_children_are_mostly_boys_and_go_missing_most_in_their_first_days")),
    Mutation("peers change nothing", "recruitment.py", "weight[with_peer] *= p.peers", "weight[with_peer] *= 1.0", RECRUITED),
    Mutation("poverty changes nothing", "recruitment.py", "self.deprivation = 1.0 + p.place * (", "self.deprivation = 1.0 + 0.0 * (", RECRUITED),
    Mutation("a line under pressure goes near known children", "recruitment.py", "np.where(children.identified_on[rows] > NEVER, known, 1.0)", "1.0",
             _mechanism("lines_and_enforcement", "test_under_pressure_a_line_that_adapts_goes_online_and_to_children_whom_nobody_knows")),
    Mutation("money is a constant", "exploitation.py", "p.money * 2.0 * draws", "0.3 * 2.0 * draws", RECRUITED),
    Mutation("threats are a constant", "exploitation.py", "THREATENED: p.threat", "THREATENED: 0.2", RECRUITED),
    Mutation("only half of what is seized becomes debt", "exploitation.py", "self.table.debt[slots] += pounds", "self.table.debt[slots] += 0.5 * pounds",
             _mechanism("debt", "test_a_seizure_raises_the_child_s_debt_that_day")),
    Mutation("cancelled debts are still owed", "exploitation.py", "self.table.debt[slots] = 0.0", "self.table.debt[slots] *= 1.0", DEBT),
    Mutation("debt does not hold a child", "exploitation.py", "np.where(self.own.stage[rows] == BOUND, p.bound_tries, 1.0)", "1.0", DEBT),
    Mutation("nobody can do anything about being drawn back", "exploitation.py", "DRAWN_BACK: p.drawn_back", "DRAWN_BACK: 0.05",
             _mechanism("getting_out", "test_some_who_were_safe_are_drawn_back_and_only_they")),
    Mutation("help to get out helps nobody", "exploitation.py", "return p.tries * month * bound * levers.value(GETTING_OUT_OF_IT, rows)", "return p.tries * month * bound * np.ones(len(rows))", REFERENCE),
    Mutation("nobody is drawn back into sexual exploitation", "other_exploitation.py", "p.gets_out, p.drawn_back, p.settles)[cause]", "p.gets_out, 0.0, p.settles)[cause]",
             _mechanism("working_a_line", "test_sexual_exploitation_goes_on_without_any_line")),
    Mutation("the sexes are exchanged", "other_exploitation.py", "self.girls, self.boys = weight_of_sex", "self.boys, self.girls = weight_of_sex",
             _mechanism("working_a_line", "test_boys_and_girls_meet_both_forms")),
    Mutation("a crisis never ends", "missing.py", 'until=model.day + days, by="crisis"', 'until=1 << 30, by="crisis"',
             _mechanism("missing_episodes", "test_a_crisis_multiplies_episodes_until_it_ends_by_itself")),
    Mutation("running from debt is a constant", "missing.py", "(p.debt_rate / 365.25)", "(1.0 / 365.25)",
             _mechanism("missing_episodes", "test_each_cause_of_an_episode_can_be_taken_away_alone")),
    Mutation("a return changes nothing", "missing.py", "at=self.parameters.rise_after_return", "at=1.0",
             _mechanism("missing_episodes", "test_the_weeks_after_a_return_carry_more_episodes_the_more_the_rise")),
    Mutation("everything is reported", "missing.py", "police = delay < days and u < odds", "police = delay < days",
             _mechanism("reporting", "test_a_protocol_that_reduces_reports_and_not_absences_shows_as_exactly_that")),
    Mutation("all authorities record alike", "missing.py", "r.care_authority * practice[home[i]]", "r.care_authority",
             _mechanism("reporting", "test_an_authority_that_records_less_changes_its_own_record_alone")),
    Mutation("running home is the same from anywhere", "missing.py", "np.where(far, p.family_when_far, 1.0)", "1.0",
             _mechanism("distance", "test_what_distance_does_it_does_to_children_far_away")),
    Mutation("a line is no more dangerous than another absence", "harm.py", "*= p.on_a_line", "*= 1.0",
             _mechanism("working_a_line", "test_harm_comes_while_away_and_more_of_it_on_a_line")),
    Mutation("later offending does not depend on the response", "policing.py", "np.where(criminal, 1.0, self.parameters.later_after_safeguarding)", "1.0 * np.ones(len(rows))",
             _mechanism("police_response", "test_the_two_responses_do_different_things_to_debt_and_later_offending")),
    Mutation("as much is seized in either response", "policing.py", "np.where(criminal, p.seized_criminal, p.seized_safeguarding)", "p.seized_criminal",
             _mechanism("police_response", "test_the_two_responses_do_different_things_to_debt_and_later_offending")),
    Mutation("a safeguarding response costs trust", "policing.py", "doubt = criminal & draws", "doubt = ~criminal & draws",
             _mechanism("police_response", "test_a_criminal_response_costs_the_child_s_trust_in_its_worker")),
    Mutation("agencies know what the others know", "services.py", "self.counted.append((rows, held[rows], agency))", "self.counted.append((rows, sum(each[rows].astype(int) for each in self.held), agency))",
             _mechanism("silos", "test_the_same_signals_in_two_agencies_identify_later_than_in_one")),
    Mutation("what is shared is known the next day", "services.py", "self.model.children.key[rows], signal) * mean_days)", "self.model.children.key[rows], signal) * 0.0 * mean_days)",
             _mechanism("silos", "test_sharing_closes_the_gap_by_its_delay")),
    Mutation("two authorities are as good as one", "services.py", "(outside if is_outside else 1.0)", "1.0",
             _mechanism("return_interviews", "test_where_two_authorities_are_needed_it_happens_less")),
    Mutation("children tell whom they do not trust", "services.py", "p.discloses * trusting", "p.discloses * 2.0",
             _mechanism("return_interviews", "test_trust_decides_what_is_disclosed")),
    Mutation("assessments leave sexual exploitation out", "services.py", "names |= SEXUAL_FACTOR", "names |= 0",
             _mechanism("silos", "test_an_assessment_lists_the_factors_that_are_known_that_day")),
    Mutation("trust goes over to the next worker", "relationships.py", "            self._let_go(rows)\n            self._with_a_new_worker(rows)\n", "            self.table.worker[self.table.slot[rows]] += 1\n",
             _mechanism("relationships", "test_trust_starts_again_with_a_new_worker")),
    Mutation("caseloads do not matter", "relationships.py", "sooner / load / (", "sooner / (",
             _mechanism("relationships", "test_the_more_children_a_worker_has_the_later_trust_comes")),
    Mutation("substitution is a constant", "lines.py", '"line.substitution", self.key, serial) < p.substitution', '"line.substitution", self.key, serial) < 0.5',
             _mechanism("lines_and_enforcement", "test_with_substitution_off_removing_ten_children_lowers_recruitment_by_more")),
    Mutation("police are not felt", "lines.py", "self.pressure_until = self.model.day + self.model.lines.parameters.pressure_days", "self.pressure_until = 0",
             _mechanism("lines_and_enforcement", "test_under_pressure_a_line_that_adapts_goes_online_and_to_children_whom_nobody_knows")),
    Mutation("lines close as they always did", "lines.py", "self.hazard_of_closing.now.tolist()", "self.hazard_of_closing.usual.tolist()",
             _mechanism("lines_and_enforcement", "test_more_closures_mean_fewer_lines_and_not_none")),
    Mutation("everybody is far away", "distance.py", "apart = on_line & far", "apart = on_line",
             _mechanism("distance", "test_contact_is_held_for_those_who_are_far_away_and_on_a_line")),
    Mutation("a relocated child is under the usual numbers", "distance.py", "self.taken_over.get(row, self.usual)[0]", "self.usual[0]",
             _mechanism("distance", "test_being_relocated_has_numbers_of_its_own_which_take_the_place_of_the_usual_ones")),
    Mutation("pounds of 2012 are pounds of today", "costs.py", "reported * self.episode", "reported * p.episode_police",
             _mechanism("costs", "test_each_bill_is_what_happened_times_its_price_in_pounds_of_2024_25")),
)  # fmt: skip

POLICIES = (
    Mutation("those who are trained see no more", "policies/early_identification.py", "1.0 + share * (p.sees - 1.0)", "1.0", DIALS),
    Mutation("the hub has no places", "policies/joint_hub.py", "more = 1.0 + self.parameters.places * self.parameters.coverage", "more = 1.0", DIALS),
    Mutation("key workers leave as others do", "policies/key_worker.py", "turnover=p.stays", "turnover=1.0", REFERENCE),
    Mutation("no more lines are closed", "policies/line_disruption.py", "hazard_of_closing.hold(self.authorities(model), self.times", "hazard_of_closing.hold(self.authorities(model), 1.0", DIALS),
    Mutation("managed moves are like others", "policies/managed_placement.py", "model.levers.hold(GOING_MISSING, done, at=p.going_missing", "model.levers.hold(GOING_MISSING, done, at=1.0", ("tests/mechanisms/test_policies_take_hold.py::test_a_managed_placement_holds_what_it_may_change_while_the_child_stays",)),
    Mutation("guidance changes no record", "policies/national_guidance.py", "share * self.parameters.recording", "share * 0.0", DIALS),
    Mutation("relocation is just a move", "policies/relocation.py", "contact=p.contact", "contact=1.0",
             _mechanism("distance", "test_being_relocated_has_numbers_of_its_own_which_take_the_place_of_the_usual_ones")),
    Mutation("no interviewers are added", "policies/return_interviews.py", "more = 1.0 + self.parameters.interviewers * self.parameters.coverage", "more = 1.0", DIALS),
    Mutation("police respond as they always did", "policies/safeguarding_response.py", "1.0 - self.dose", "1.0", DIALS),
    Mutation("support leaves the exploiters' hold as it is", "policies/sexual_exploitation_support.py", "at=p.contact", "at=1.0", RARE),
    Mutation("pooled data change no record", "policies/shared_data.py", "self.parameters.recording * self.dose", "0.0 * self.dose", DIALS),
    Mutation("specialist carers come from nowhere", "policies/specialist_foster.py", "round(beds * p.from_pool)", "0", REFERENCE),
)  # fmt: skip

SHARED = (
    Mutation("clocks run slow", "hazards.py", "total[group] += rate[group]\n", "total[group] += 0.95 * rate[group]\n", ("tests/statistical/test_hazards.py",)),
    Mutation("levers are let go of a day early", "levers.py", "self._ends.pop(day, {}).items()", "self._ends.pop(day + 1, {}).items()", ("tests/unit/test_levers.py",)),
    Mutation("yesterday's news is read again", "today.py", "        self._rows.clear()\n", "", REFERENCE),
)  # fmt: skip

EVERY_MUTATION = MECHANISMS + POLICIES + SHARED
