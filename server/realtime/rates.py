"""How fast something may come: a token bucket."""


class Allowance:
    """`per_second` on average, `burst` at once. Times are seconds on the caller's clock."""

    def __init__(self, per_second: float, burst: float, now: float) -> None:
        self.per_second = per_second
        self.burst = burst
        self._left = burst
        self._at = now

    def left(self, now: float) -> float:
        """How much may come at once now."""
        self._left = min(self.burst, self._left + (now - self._at) * self.per_second)
        self._at = now
        return self._left

    def take(self, amount: float, now: float) -> bool:
        """Whether that much may come now; if not, nothing is taken."""
        if amount > self.left(now):
            return False
        self._left -= amount
        return True
