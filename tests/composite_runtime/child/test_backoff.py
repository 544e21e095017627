"""How long to wait before a child is started again."""

from composite_runtime.child.backoff import FIRST_S, LONGEST_S, SUSTAINED_S, Backoff


def test_each_failure_doubles_the_wait_up_to_a_bound() -> None:
    backoff = Backoff()
    waits = [backoff.next_s(0.0) for _ in range(40)]
    for number, wait in enumerate(waits, 1):
        longest = min(LONGEST_S, FIRST_S * 2**number)
        assert longest / 2 <= wait <= longest
    assert waits[-1] >= LONGEST_S / 2


def test_waits_are_spread_so_that_many_children_do_not_start_at_once() -> None:
    assert len({Backoff().next_s(0.0) for _ in range(50)}) > 40


def test_a_long_run_makes_the_next_failure_the_first() -> None:
    backoff = Backoff()
    for _ in range(10):
        backoff.next_s(1.0)
    assert backoff.next_s(SUSTAINED_S) <= FIRST_S
    assert backoff.next_s(0.0) <= FIRST_S * 2
