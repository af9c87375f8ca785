"""The one exception a user is meant to see, and how it is shown."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class UserError(Exception):
    """Something the user can mend: the message is one line naming the file and key and what would be right."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


@contextmanager
def one_line_errors(show: Callable[[str], object]) -> Iterator[None]:
    """Ends the program with exit code 1 on a `UserError`, after showing its one line and no traceback.

    So does what the system refuses: a full disk, a file that may not be read.
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
