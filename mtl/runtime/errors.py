"""The one exception a user is meant to see."""


class UserError(Exception):
    """Something the user can mend: the message is one line naming the file and key and what would be right."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))
