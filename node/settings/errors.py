"""What can be wrong with settings."""


class SettingsError(Exception):
    """The settings can't be used. Its text has a line per problem: setting, value, remedy."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
