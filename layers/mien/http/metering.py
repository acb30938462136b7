"""Every billed call is counted, exactly once, and refused where the plan's month is used up."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.event_handler import Response

from mien.domain.errors import Unavailable
from mien.domain.usage import month_after, month_of
from mien.http.caller import Caller
from mien.ports.clock import Clock, utc_now
from mien.ports.meter import Meter

USED_HEADER, LIMIT_HEADER, RESET_HEADER = "x-usage-used", "x-usage-limit", "x-usage-reset"


@dataclass(frozen=True, slots=True)
class Metering:
    """Counts calls before they are answered, and takes those that fail off again: so no two calls can share the last of
    a month, and only 2xx are billed. While the meter does not answer, calls are refused or, if it `fails_open`, pass
    uncounted.
    """

    meter: Meter
    fails_open: bool = False
    clock: Clock = utc_now

    def __call__(self, caller: Caller, endpoint: str, answer: Callable[[], Response[Any]]) -> Response[Any]:
        """Count a call, answer it, and say in the headers what is used.

        Raises:
            QuotaExceeded: the plan's month is used up.
            Unavailable: the meter does not answer.

        """
        month, limit = month_of(self.clock()), caller.plan.calls_per_month
        try:
            used = self.meter.take(caller.key_id, month, endpoint, limit)
        except Unavailable:
            if not self.fails_open:
                raise
            return answer()
        if used is None:
            raise caller.plan.exceeded(used=limit)
        try:
            response = answer()
        except BaseException:
            with suppress(Unavailable):  # what the call failed of is what the caller must hear
                self.meter.give_back(caller.key_id, month, endpoint)
            raise
        response.headers |= {
            USED_HEADER: str(used),
            LIMIT_HEADER: "unlimited" if limit is None else str(limit),
            RESET_HEADER: month_after(month).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        return response
