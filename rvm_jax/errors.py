"""The error that a user's mistake raises."""


class UserError(ValueError):
    """A mistake that the user can fix: its text is one sentence that names the file or the key, and the fix.

    The command line prints the text alone (see `rvm_jax.cli`); inside the library it is an ordinary ValueError.
    """
