"""What is wrong with a file, and where."""


class Problem(Exception):
    """One thing wrong with a file. `line` counts from 1; 0 when the file as a whole is meant."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.line = line

    def at(self, path: str) -> str:
        """The problem as `path:line: message`."""
        return f"{path}:{self.line}: {self.message}" if self.line else f"{path}: {self.message}"
