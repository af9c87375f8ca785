"""The one exception a user is meant to see, and how it is shown."""

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class UserError(Exception):
    """A problem the user can fix: the message is one line naming the file, the key and what would be right."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


@contextmanager
def one_line_errors(show: Callable[[str], object]) -> Iterator[None]:
    """Ends the program with exit code 1 on a `UserError`, after showing its one line and no traceback.

    It treats errors of the operating system, such as a full disk or an unreadable file, in the same way.
    """
    try:
        yield
    except UserError as error:
        show(str(error))
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        show(f"{place}{error.strerror or error}; nothing was lost: mend it and run the same command again")
    else:
        return
    sys.exit(1)


def escape_what_cannot_be_shown() -> None:
    """Makes the standard streams escape letters that the terminal's encoding lacks: Latin-1 has no Θ."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
