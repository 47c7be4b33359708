import random

import pytest

from questline_persistence.suspicion import MAX_LOST, PATIENCE, Death, Loss, most, together, weigh


def test_a_step_that_ran_alone_is_charged_and_runs_alone_again() -> None:
    assert weigh(Death(1, 1), lost=0, company=0, just_begun=True) == Loss(charged=True, company=1)
    assert weigh(Death(1, 0), lost=5, company=1, just_begun=False) == Loss(charged=True, company=1)


@pytest.mark.parametrize("lost", range(8))
@pytest.mark.parametrize("just_begun", [True, False])
def test_nobody_who_ran_beside_others_is_charged(lost: int, just_begun: bool) -> None:
    assert not weigh(Death(9, 3), lost=lost, company=9, just_begun=just_begun).charged


def test_the_only_one_that_had_just_begun_runs_alone_next_if_it_had_lost_a_worker_before() -> None:
    assert weigh(Death(1_000, 1), lost=1, company=1_000, just_begun=True).company == 1
    assert weigh(Death(1_000, 1), lost=0, company=0, just_begun=True).company == 1_000


def test_many_that_had_just_begun_begin_fewer_at_a_time_after_each_death() -> None:
    company = weigh(Death(1_000, 1_000), lost=0, company=0, just_begun=True).company
    assert [together(lost, company) for lost in range(1, 7)] == [125, 31, 7, 1, 1, 1]


def test_those_that_ran_on_when_others_had_just_begun_keep_their_company() -> None:
    assert weigh(Death(40, 3), lost=1, company=1_000, just_begun=False).company == 1_000


def test_a_first_death_limits_nobody_unless_who_killed_is_known() -> None:
    assert most(1, 40) is None
    assert (most(1, 1), most(2, 40)) == (1, 40)


def test_a_first_death_shrinks_no_company_where_nobody_had_just_begun() -> None:
    """A machine that went down, or a deploy by `kill -9`, makes nobody run one by one."""
    assert weigh(Death(1_000, 0), lost=0, company=0, just_begun=False).company == 1_000


def test_a_company_in_which_nobody_had_just_begun_shrinks_from_the_second_death_on() -> None:
    companies, company = [], 1_000
    for lost in range(1, 7):
        company = weigh(Death(company, 0), lost=lost, company=company, just_begun=False).company
        companies.append(company)
    assert companies == [250, 62, 15, 3, 1, 1]


def test_a_company_shrinks_in_the_end_whatever_others_begin_beside_it() -> None:
    assert weigh(Death(400, 3), lost=PATIENCE, company=1_000, just_begun=False).company == 100


def test_a_death_that_nobody_recorded_charges_nobody() -> None:
    assert not weigh(None, lost=0, company=0, just_begun=True).charged
    assert weigh(None, lost=2, company=9, just_begun=True) == Loss(charged=False, company=9)


@pytest.mark.parametrize("seed", range(50))
@pytest.mark.parametrize("quick", [True, False])
def test_whoever_kills_its_workers_is_alone_soon_where_companies_are_kept(seed: int, quick: bool) -> None:
    dice = random.Random(seed)  # noqa: S311  (no secret)
    lost, company, alone = 0, 1_000, 0
    for _ in range(20):
        beside = dice.randint(1, 1_000 if most(lost, company) is None else company) if lost else 1_000
        begun = dice.randint(1, min(beside, together(lost, company))) if quick and lost else 0
        loss = weigh(Death(beside, begun), lost=lost, company=company, just_begun=quick)
        lost, company, alone = lost + 1, loss.company, alone + loss.charged
        if alone == MAX_LOST:
            break
    assert alone == MAX_LOST
    assert lost <= 12
