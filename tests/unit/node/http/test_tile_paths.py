"""The paths of tiles, as C2SP tlog-tiles has them; anything else is not there, and no error of ours."""

from __future__ import annotations

import pytest
from litestar.exceptions import NotFoundException

from node.http.log import _tile_path


@pytest.mark.parametrize(
    ("path", "place"),
    [("/000", (0, 256)), ("/x001/x234/067", (1_234_067, 256)), ("/x001/234.p/8", (1_234, 8)), ("/000.p/255", (0, 255))],
)
def test_a_tile_has_an_index_and_a_width(path, place):
    assert _tile_path(path) == place


@pytest.mark.parametrize(
    "path",
    ["/", "/1", "/x001", "/001/002", "/000.p/0", "/000.p/08", "/000.p/256", "/000.p/0001" + "9" * 5_000, "/000.p/x"],
    ids=lambda path: path[:12],
)
def test_what_is_no_path_of_a_tile_is_not_found(path):
    with pytest.raises(NotFoundException):
        _tile_path(path)
