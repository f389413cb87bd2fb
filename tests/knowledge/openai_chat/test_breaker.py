from knowledge.openai_chat.breaker import CircuitBreaker


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def opened(clock: Clock) -> CircuitBreaker:
    """A breaker that opened at 0 for 20 seconds."""
    breaker = CircuitBreaker(clock, failures=3, open_s=20)
    for _ in range(3):
        assert breaker.admits()
        breaker.failed()
    return breaker


def test_failures_in_a_row_open_it() -> None:
    breaker = opened(Clock())
    assert breaker.is_open
    assert not breaker.admits()


def test_a_success_between_begins_the_count_anew() -> None:
    breaker = CircuitBreaker(Clock(), failures=2)
    for _ in range(5):
        breaker.failed()
        breaker.succeeded()
    assert breaker.admits()


def test_after_a_while_one_probe_is_let_through() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now = 20
    assert breaker.admits()
    assert not breaker.admits()
    breaker.succeeded()
    assert not breaker.is_open
    assert breaker.admits()


def test_a_probe_that_fails_opens_it_again() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now = 20
    assert breaker.admits()
    breaker.failed()
    clock.now = 39
    assert not breaker.admits()
    clock.now = 40
    assert breaker.admits()


def test_a_probe_that_nobody_waited_for_lets_the_next_one_try() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now = 20
    assert breaker.admits()
    breaker.given_up()
    assert breaker.admits()
