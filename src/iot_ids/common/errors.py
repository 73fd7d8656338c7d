"""The exception for mistakes that the user can fix."""


class UserError(Exception):
    """A mistake of the user, reported in one message: what is wrong, the value, where, and what to do.

    Entry points print the message without a traceback and end with a non-zero exit code.
    """

    def _render_traceback_(self) -> list[str]:
        """Show only the message in a notebook too: IPython looks for this method by name."""
        return [f"{type(self).__name__}: {self}"]
