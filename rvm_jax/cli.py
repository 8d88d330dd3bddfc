"""What all commands share: a user's mistake ends in one sentence on the screen, not in a traceback."""

import sys
from collections.abc import Callable

from absl import app

from rvm_jax.errors import UserError


def run(main: Callable[[list[str]], object]) -> None:
    """Runs `main(argv)` under absl (flags parsed); a `UserError` is printed as `error: …` with exit status 1."""

    def guarded(argv: list[str]) -> None:
        try:
            if len(argv) > 1:
                raise UserError(f"unexpected argument '{argv[1]}'; every option is given as --name=value")
            main(argv)
        except UserError as error:
            print(f"error: {error}", file=sys.stderr)
            sys.exit(1)
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            sys.exit(130)

    app.run(guarded)
