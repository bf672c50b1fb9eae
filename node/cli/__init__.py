"""The command `verbund`: one command group a file, no logic inside."""
