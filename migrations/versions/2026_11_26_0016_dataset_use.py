"""What the assessment in force says about using a dataset lies with the dataset, where the catalog is read."""

from alembic import op

revision = "2026_11_26_0016"
down_revision = "2026_11_26_0015"
branch_labels = None
depends_on = None

USE = """
-- they name columns of the table; `secure_reading` makes them again
drop schema if exists obliged cascade;
drop schema if exists granted cascade;

alter table dataset add purposes text[];
alter table dataset add licence text;
alter table dataset add obligations text[] default '{}' not null;
alter table dataset add open_obligations text[] default '{}' not null;
comment on column dataset.purposes is 'that the assessment in force allows; null = not limited';
comment on column dataset.licence is 'that the assessment in force names';
comment on column dataset.obligations is 'for all other cities';
comment on column dataset.open_obligations is 'also, without an agreement';
update dataset d set purposes = a.purposes, licence = nullif(a.licence, ''), obligations = a.obligations,
       open_obligations = a.open_obligations from assessment a where a.id = d.assessment_id;
"""


def upgrade() -> None:
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(USE)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup instead")
