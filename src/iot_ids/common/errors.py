"""The one exception that means: the user can mend this."""


class UserError(Exception):
    """A mistake of the user, told in one message: what was wrong, the value, where, and what to do.

    Entry points print the message without a traceback and end with a non-zero exit code.
    """

    def _render_traceback_(self) -> list[str]:
        """The message alone in a notebook as well: IPython asks an exception for this method by its name."""
        return [f"{type(self).__name__}: {self}"]
