"""The rate limiter: no more writes in a second than the policies say."""

from __future__ import annotations

from xentara_nb.writes.context import RateLimiter
from xentara_nb.writes.policy import WritePolicy


def test_the_rate_limiter():
    limiter = RateLimiter()
    assert limiter.grant(5, []) == (5, 0.0)
    policies = [WritePolicy(max_writes_per_second=10), WritePolicy(max_writes_per_second=50)]
    assert limiter.grant(4, policies) == (4, 0.0)
    assert limiter.grant(100, policies) == (6, 0.0)
    granted, pause = limiter.grant(1, policies)
    assert granted == 0
    assert 0 < pause <= 1


def test_a_rate_below_one_a_second():
    limiter = RateLimiter()
    policies = [WritePolicy(max_writes_per_second=0.5)]
    assert limiter.grant(3, policies)[0] == 1
    granted, pause = limiter.grant(3, policies)
    assert granted == 0
    assert 1.5 < pause <= 2
