"""The error tree of the whole project.

Every refusal a person or a platform can meet has a stable code, a Chinese sentence, and a status that tells what kind
of refusal it is: 403 not allowed, 404 hidden, 409 not now, 422 not valid, 429 and 503 try again later.
"""

from __future__ import annotations

from typing import Any


class DomainError(Exception):
    """A refusal by the domain.

    ``code`` is stable and documented; ``message`` is the Chinese sentence shown to people; ``field`` names the input it
    belongs to; ``hint`` says what would cure it; ``detail`` carries operands for machines. ``keep`` says that what was
    written before the refusal (a screening, a hold, a refused attempt at the ledger) is to be committed, not rolled back.
    ``retry`` says that the very same request may be sent again, ``retry_after`` in how many seconds.
    """

    status = 400
    retry = False
    retry_after = 5

    def __init__(
        self,
        code: str,
        message: str,
        *,
        field: str | None = None,
        hint: str | None = None,
        detail: dict[str, Any] | None = None,
        keep: bool = False,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = str(message)
        self.field = field
        self.hint = hint
        self.detail = detail or {}
        self.keep = keep
        if retry_after is not None:
            self.retry_after = retry_after

    def __str__(self) -> str:
        return self.message


class Forbidden(DomainError):
    """The person may never do this here: wrong role, wrong region, or had a hand in the case."""

    status = 403


class NotFound(DomainError):
    """There is no such thing, or the person may not know that there is."""

    status = 404


class NotNow(DomainError):
    """The state of the case, of a budget or of a hold does not allow it now; later it may."""

    status = 409


class InFlight(NotNow):
    """The same request is being worked on at this moment: its answer can be fetched by sending it again."""

    retry = True
    retry_after = 1


class Invalid(DomainError):
    """What was given is not valid and will not become so by waiting."""

    status = 422


class TooMany(DomainError):
    """Too many requests; the same request may be sent again later."""

    status = 429
    retry = True


class TryLater(DomainError):
    """A service that is needed is not there; the same request may be sent again later."""

    status = 503
    retry = True


class Problems(Invalid):
    """Several faults of one input, each with its own field and code; nothing of the input was taken."""

    def __init__(self, problems: list[Invalid], code: str = "input.invalid", message: str = "") -> None:
        super().__init__(
            code, message or (problems[0].message if problems else "提交的内容有误，请逐项更正。")
        )
        self.problems = problems
