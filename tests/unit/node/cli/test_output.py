"""Tables at the command line show what strangers have named, and do nothing that it says."""

from __future__ import annotations

import pytest
from rich.table import Table

from node.cli.output import print_table
from schema.errors import BadInput
from schema.ids import parse_id


def test_foreign_text_is_neither_markup_nor_a_command_for_the_terminal(capsys):
    table = Table("id")
    table.add_row("giessen:dataset:[/x][bold]:smile:\x1b]52;c;bWluZQ==\x07\x9b2J\u202e\r\nStraße")
    print_table(table)
    told = capsys.readouterr().out
    assert "giessen:dataset:[/x][bold]:smile:\\x1b]52;c;bWluZQ==\\x07\\x9b2J\\u202e\\r" in told
    assert "Straße" in told
    assert set("\x1b\x07\x9b\u202e\r").isdisjoint(told)


@pytest.mark.parametrize("key", ["\x1b]0;mine\x07", "a\x9bb", "a b", "a\nb", "a\x7f", ""], ids=ascii)
def test_what_would_do_something_to_a_terminal_is_no_id(key):
    with pytest.raises(BadInput, match="is not an id"):
        parse_id(f"giessen:dataset:{key}", kind="dataset", argument="id")
    assert parse_id("giessen:dataset:straße/1", kind="dataset", argument="id").key == "straße/1"
