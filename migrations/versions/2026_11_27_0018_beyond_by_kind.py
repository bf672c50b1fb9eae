"""What is named but out of reach: a function for each kind, which takes sets of datasets in the form of the statement.

`datasets_beyond` had all kinds in one plan and built a hash table of ids for each call: half of what a small page of
another city cost. It stays for replicas of the release before, until the next migration that can't run beside them.
"""

from alembic import op

revision = "2026_11_27_0018"
down_revision = "2026_11_26_0017"
branch_labels = None
depends_on = None

# Conditions lie on the table that is looked into by keys: so the plan begins there, not with all that is out of reach.
_QUERIES = {
    "dataset": "select d.key from dataset d where d.key = any(keys) and not granted(scope, d.id)",
    "datastream": """
        select distinct d.key from datastream s join dataset d on d.id = s.dataset_id
         where s.key = any(keys) and not granted(scope, s.dataset_id)""",
    "thing": """
        select distinct d.key
          from thing g join datastream s on s.thing_id = g.id join dataset d on d.id = s.dataset_id
         where g.key = any(keys)
           and not exists (select from datastream v where v.thing_id = g.id and granted(scope, v.dataset_id))""",
}
_FUNCTION = """
create function beyond_by_{kind}(keys text[], scope {sets}) returns setof text
    language sql stable strict security definer rows 10
begin atomic {query};
end;
revoke execute on function beyond_by_{kind}(text[], {sets}) from public;
"""


def upgrade() -> None:
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    for kind, query in _QUERIES.items():
        for sets in ("integer[]", "varbit"):
            connection.execute(_FUNCTION.format(kind=kind, query=query, sets=sets))


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup instead")
