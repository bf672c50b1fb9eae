"""Spellings take sets as the statement has them, orders by time have an index, texts without places are ready; heads of the log have indexes.

An array of readable datasets was looked through for every word that is like the one typed. `search_spellings` with an
array stays: for small sets, and for replicas of the release before.

The text of a thing whose place is hidden, or of a datastream whose direction is, was made anew for each row that a
search looked at.
"""

from alembic import op

revision = "2026_11_27_0019"
down_revision = "2026_11_27_0018"
branch_labels = None
depends_on = None

# as for arrays (0002), but with the set in bits
SPELLINGS = r"""
create function search_spellings(typed text, readable varbit) returns setof text
    language sql stable strict parallel safe rows 5
begin atomic
    with word as materialized (
        select n, written, search_fold(written) collate "C" as folded
          from regexp_split_to_table(typed collate "pg_c_utf8", '[^[:alnum:]]+') with ordinality as split (written, n)
         where written <> '' order by n limit 8
    ), unknown as materialized (
        select n, length(folded) as letters, search_trigrams(folded) as own from word
         where not exists (
            select from (
                select dataset_id from dataset_word k
                 where k.word >= folded and k.word < folded || U&'\+10FFFF' offset 0  -- by word, not by dataset
            ) here where granted(readable, here.dataset_id))
    ), alike as materialized (
        select n, t.word, count(*)::float8 / (min(t.trigrams) + min(cardinality(own)) - count(*))
               * least(1, length(t.word)::float8 / min(letters)) as likeness
          from unknown join word_trigram t on t.trigram = any(own) and length(t.word) >= 0.6 * letters
         group by n, t.word
        having count(*) >= 0.3 * (min(t.trigrams) + min(cardinality(own)) - count(*))
    ), seen as (
        select a.word, min(here.shown) as shown
          from (select distinct word from alike) a,
               lateral (select dataset_id, shown from dataset_word w where w.word = a.word offset 0) here
         where granted(readable, here.dataset_id)
         group by a.word
    ), choice as materialized (
        select n, shown, row_number() over (partition by n order by likeness desc, a.word) as k
          from alike a join seen s on s.word = a.word
    )
    select string_agg(coalesce(chosen.shown, best.shown, written), ' ' order by word.n)
      from generate_series(1, 5) k
           cross join word
           left join choice chosen on chosen.n = word.n and chosen.k = k.k
           left join choice best on best.n = word.n and best.k = 1
     group by k.k having bool_or(chosen.shown is not null)
     order by k.k;
end;
"""

# The expressions of the orders: what has no time counts as long ago. The old index could serve neither.
ORDERS = """
drop index ix_dataset_modified_key;
create index ix_dataset_modified_key on dataset (coalesce(modified, '0001-01-01 00:00:00+00'::timestamptz), key);
create index ix_dataset_issued_key on dataset (coalesce(issued, '0001-01-01 00:00:00+00'::timestamptz), key);
"""

TEXTS = """
alter table thing add column search_unplaced tsvector
    generated always as (names_search(name, null, description)) stored not null;
comment on column thing.search_unplaced is 'search without the place';

alter table datastream add column search_undirected tsvector
    generated always as (names_search(name, null, description)) stored not null;
comment on column datastream.search_undirected is 'search without the direction';
"""

# Cosigned heads stay for good, one for each round; what is looked at every second must not grow with them.
HEADS = """
create index ix_log_checkpoint_cosigned on log_checkpoint (size) where cosigned_at is not null;
create index ix_log_checkpoint_not_cosigned on log_checkpoint (at) where cosigned_at is null;
"""


def upgrade() -> None:
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    for part in (SPELLINGS, ORDERS, TEXTS, HEADS):
        connection.execute(part)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup instead")
