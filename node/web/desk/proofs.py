"""Whether records are in the log, and the log goes on from what others have cosigned: checked, not believed."""

from __future__ import annotations

from typing import Any

from federation.tlog.tree import root_from_inclusion, verify_consistency
from node.audit.tree import Tree, TreeHead


class LogProofs:
    """Checks against the newest head."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    async def check(self, records: list[dict[str, Any]]) -> dict[str, Any]:
        """By record: true if it is in the tree, false if not as it is, None if it has no place yet."""
        head = await self._tree.head()
        if head is None:
            return {"size": 0, "continues": None, "records": {}}
        return {
            "size": head.size,
            "root": head.root.hex(),
            "continues": await self._continues(head),
            "records": {one["id"]: await self._is_in(one, head) for one in records},
        }

    async def _is_in(self, record: dict[str, Any], head: TreeHead) -> bool | None:
        """None: the record is not in the tree of this head yet."""
        position = record["position"]
        if position is None or position >= head.size:
            return None
        proof = await self._tree.inclusion(position, head.size)
        return root_from_inclusion(bytes.fromhex(record["leaf"]), position, head.size, proof) == head.root

    async def _continues(self, head: TreeHead) -> bool | None:
        """Whether the log continues what witnesses cosigned; None if none has."""
        old = await self._tree.head(cosigned=True)
        if old is None:
            return None
        try:
            verify_consistency(
                old.size, old.root, head.size, head.root, await self._tree.consistency(old.size, head.size)
            )
        except ValueError:
            return False
        return True
