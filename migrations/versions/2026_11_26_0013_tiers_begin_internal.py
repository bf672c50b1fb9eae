"""A dataset begins INTERNAL (or PROTECTED, which is stricter): there can be no assessment before there is a dataset."""

from alembic import op

revision = "2026_11_26_0013"
down_revision = "2026_11_26_0012"
branch_labels = None
depends_on = None

BEGINS = """
create function tier_begins_internal() returns trigger language plpgsql as $$
begin
    raise exception 'dataset % is new, so it is not assessed as %', new.key, new.tier
        using errcode = 'insufficient_privilege', hint = 'insert it as INTERNAL, then: verbund assessment draft';
end $$;
create trigger tier_begins_internal before insert on dataset for each row
    when (new.tier in ('OPEN', 'SHARED') or new.assessment_id is not null) execute function tier_begins_internal();
"""


def upgrade() -> None:
    op.execute(BEGINS)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup instead")
