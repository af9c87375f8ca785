"""How far a run of many jobs is."""

import pytest

from mtl.runtime.countdown import Countdown, in_words


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def countdown(clock):
    return Countdown("evaluate", ["meta_train", "evaluate"], clock)


def run(countdown, clock, job, kind, seconds):
    countdown.started(job, kind)
    clock.now += seconds
    return countdown.finished(job)


def test_what_is_left_is_as_many_jobs_of_each_kind_as_long_as_those_before(countdown, clock):
    countdown.plan({"meta_train": 3, "evaluate": 3, "table": 1})
    assert run(countdown, clock, 1, "meta_train", 200) is None
    assert run(countdown, clock, 2, "evaluate", 40) == "1 of 3 cells finished, about 8 minutes left"
    run(countdown, clock, 3, "meta_train", 400)
    # One of (200 + 400) / 2 seconds and one of 40, and another of 40.
    assert run(countdown, clock, 4, "evaluate", 40) == "2 of 3 cells finished, about 6 minutes left"
    run(countdown, clock, 5, "meta_train", 300)
    assert run(countdown, clock, 6, "evaluate", 40) == "3 of 3 cells finished"


def test_jobs_that_ran_beside_each_other_will(countdown, clock):
    countdown.plan({"evaluate": 4})
    countdown.started(1, "evaluate")
    countdown.started(2, "evaluate")
    clock.now = 600
    # The other of the two may end at any moment; two of ten minutes are left, beside each other.
    assert countdown.finished(1) == "1 of 4 cells finished, about 10 minutes left"
    assert countdown.finished(2) == "2 of 4 cells finished, about 10 minutes left"


def test_there_is_no_estimate_before_each_long_kind_is_known(countdown, clock):
    countdown.plan({"meta_train": 1, "evaluate": 2})
    assert run(countdown, clock, 1, "evaluate", 40) == "1 of 2 cells finished"


def test_a_long_kind_that_the_run_lacks_is_no_hindrance(countdown, clock):
    countdown.plan({"evaluate": 2})
    assert run(countdown, clock, 1, "evaluate", 240) == "1 of 2 cells finished, about 4 minutes left"


def test_a_single_cell_and_unknown_jobs_are_passed_over(countdown, clock):
    countdown.plan({"evaluate": 1})
    assert run(countdown, clock, 1, "evaluate", 240) is None
    assert countdown.finished(7) is None


def test_a_job_that_is_started_again_counts_from_there(countdown, clock):
    countdown.plan({"evaluate": 2})
    countdown.started(1, "evaluate")
    clock.now = 1000
    assert run(countdown, clock, 1, "evaluate", 120).endswith("1 of 2 cells finished, about 19 minutes left")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "less than a minute"), (45, "about a minute"), (89, "about a minute"), (90, "about 2 minutes"),
     (5399, "about 90 minutes"), (5400, "about 2 hours"), (36000, "about 10 hours")],
)  # fmt: skip
def test_times_have_no_more_digits_than_an_estimate(seconds, words):
    assert in_words(seconds) == words
