"""How hard the property tests look: HYPOTHESIS_PROFILE=deep for a long look, `ci` by default."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "ci", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("deep", deadline=None, suppress_health_check=[HealthCheck.too_slow])
PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "ci")


def examples(count: int) -> settings:
    """So many examples in `ci`, twenty times as many in `deep`."""
    profile = settings.get_profile(PROFILE)
    return settings(profile, max_examples=count if PROFILE == "ci" else count * 20)
