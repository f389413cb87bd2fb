"""How fast something may come: a token bucket."""


class Allowance:
    """`per_second` on average, `burst` at once. Times are seconds on the caller's clock."""

    def __init__(self, per_second: float, burst: float, now: float) -> None:
        self._per_second = per_second
        self._burst = burst
        self._left = burst
        self._at = now

    def take(self, amount: float, now: float) -> bool:
        """Whether that much may come now; if not, nothing is taken."""
        self._left = min(self._burst, self._left + (now - self._at) * self._per_second)
        self._at = now
        if amount > self._left:
            return False
        self._left -= amount
        return True
