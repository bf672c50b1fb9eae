"""Search: folded full text for datasets, things and datastreams, words for other spellings, distances."""

from alembic import op

revision = "2026_11_23_0002"
down_revision = "2026_11_22_0001"
branch_labels = None
depends_on = None

FOLDING = r"""
-- German stems without a list of stop words: that one holds "weg", which people look for
create text search dictionary german_stems (template = snowball, language = german);

create text search configuration german_search (copy = simple);

alter text search configuration german_search
    alter mapping for asciiword, word, numword with german_stems;

-- no case, no accents, ß as ss; ä, ae and a are the same, as are ö and ü (not ae after a vowel, nor ue after q: neue, Quelle)
create function search_fold(words text) returns text
    language sql immutable strict parallel safe
    return regexp_replace(
        replace(replace(replace(replace(replace(replace(
            lower(regexp_replace(normalize(words, NFKD), '[\u0300-\u036f]', '', 'g') collate "pg_c_utf8"),
            'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'ø', 'o'), 'ł', 'l'), 'đ', 'd'),
        '(?<![aeiouq])([aou])e', '\1', 'g');

-- words that say nothing, as search_fold leaves them; with a hyphen before them, too, which would exclude
create function search_without_stop_words(folded text) returns text
    language sql immutable strict parallel safe
    return regexp_replace(folded,
        '-?\m(?:aber|alle[mnrs]?|als|also|am|an|auch|auf|aus|bei|beim|bis|da|damit|dann|das|dass|dem|den|der|des|die'
        '|diese[mnrs]?|durch|ein|eine[mnrs]?|er|es|etwas|fur|hat|ihre?[mnrs]?|im|in|ist|kann|keine?[mnrs]?|konnen|mit'
        '|nach|nicht|noch|nur|ob|oder|ohne|seine?[mnrs]?|sich|sie|sind|so|sowie|uber|um|und|unter|vom|von|vor|wahrend'
        '|war|waren|was|wenn|werden|wie|wird|wurden?|zu|zum|zur|zwischen)\M', '', 'g');

-- what is indexed of a text: words with one blank between them
create function search_words(words text) returns text
    language sql immutable strict parallel safe
    return search_without_stop_words(regexp_replace(search_fold(words) collate "pg_c_utf8", '[^[:alnum:]]+', ' ', 'g'));

create function search_vector(words text, weight "char") returns tsvector
    language sql immutable strict parallel safe
    return setweight(to_tsvector('german_search', search_words(left(words, 100000))), weight);

-- a long text: without places also the words as they are, to find them while they are being typed
create function search_prose(words text) returns tsvector
    language sql immutable strict parallel safe
    return search_vector(words, 'D') || strip(to_tsvector('simple', search_words(left(words, 100000))));

-- words as they are; and marked with ~ their ends, to find Zählung and
-- Verkehr in Radverkehrszählung
create function search_parts(words text, weight "char") returns tsvector
    language sql immutable strict parallel safe
begin atomic
    select coalesce(string_agg(format('''%s'':%s%s', lexeme, n, weight), ' '), '')::tsvector
      from (
        select '~' || substr(word, start) as lexeme, n
          from regexp_split_to_table(search_words(left(words, 10000)), ' ') with ordinality as split (whole, n),
               lateral (select left(whole, 40) as word) cut,
               generate_series(2, length(word) - 2) start
         where n <= 1000
         union
        select left(whole, 40), n
          from regexp_split_to_table(search_words(left(words, 10000)), ' ') with ordinality as split (whole, n)
         where n <= 1000 and whole <> ''
      ) parts;
end;
"""

QUERIES = r"""
-- what was typed into a search box, in the form that websearch_to_tsquery reads: words, "phrases", -excluded, or
create function search_typed(words text) returns text
    language sql immutable strict parallel safe
    return regexp_replace(regexp_replace(
        search_without_stop_words(regexp_replace(
            translate(search_fold(words), '„“”«»', repeat('"', 5)) collate "pg_c_utf8", '[^[:alnum:]"-]+', ' ', 'g')),
        '(?<=[^ ])-', ' ', 'g'), '-(?=[^[:alnum:]"]|$)', ' ', 'g');

create function search_exact(words text) returns tsquery
    language sql immutable strict parallel safe
    return websearch_to_tsquery('german_search', search_typed(words));

-- as search_exact, but a word may go on, and may stand within a longer one; phrases and what is excluded stay exact
create function search_query(words text) returns tsquery
    language sql immutable strict parallel safe
begin atomic
    select coalesce(string_agg(case
               when piece !~ '^''[^'']+''$' or length(piece) < 5 then piece
               when length(piece) = 5 then format('( %s:* | ''~%s'' )', piece, trim('''' from piece))
               else format('( %s:* | ''~%s'':* )', piece, trim('''' from piece))
           end, '' order by n), '')::tsquery
      from regexp_matches(search_exact(words)::text,
               $$'[^']+'(?: <[0-9-]+> '[^']+')+|!'[^']+'|'[^']+'|[^'!]+|!$$, 'g') with ordinality as found (pieces, n),
           lateral (select pieces[1] as piece) one;
end;

-- as search_query, but the last word is still being typed
create function search_prefix_query(words text) returns tsquery
    language sql immutable strict parallel safe
begin atomic
    select case
               when last is null then search_query(words)
               when before ~ '\mor +$' then search_query(regexp_replace(before, '\mor +$', '')) || unfinished
               else search_query(before) && unfinished
           end
      from (select search_fold(words) as folded) typed,
           lateral (select left(substring(
               folded collate "pg_c_utf8" from '(?:^|[^-[:alnum:]"]|[[:alnum:]]-)([[:alnum:]]+)$'), 40) as last) ending,
           lateral (select left(folded, -length(last)) as before, search_query(last) || format(
               case when length(last) < 4 then '''%1$s'':*' else '''%1$s'':* | ''~%1$s'':*' end, last)::tsquery
               as unfinished) part;
end;

-- a sort key that ascends from the best match: title before keywords before the rest, then how often and how near
create function search_rank(search tsvector, exact tsquery, loose tsquery) returns text
    language sql immutable strict parallel safe
    return to_char(
        5 - case when ts_filter(search, '{a}') @@ loose then 3 when ts_filter(search, '{a,b}') @@ loose then 1 else 0 end
          - ts_rank_cd('{0.1, 0.3, 0.6, 1}', search, exact, 32) / 2
          - ts_rank_cd('{0.1, 0.3, 0.6, 1}', search, loose, 32) / 2,
        'FM0.0000');
"""

VECTORS = r"""
drop index ix_dataset_search;

alter table dataset drop column search;

drop function immutable_join(text[]);

alter table dataset add column search tsvector default '' not null;

-- a trigger instead of a generated column, because the publisher's name belongs to it
create function dataset_search(title text, keywords text[], description text, published_by integer) returns tsvector
    language sql stable parallel safe
    return search_vector(title, 'A') || search_parts(title, 'B')
        || search_vector(array_to_string(keywords, ' '), 'B') || search_parts(array_to_string(keywords, ' '), 'C')
        || coalesce(search_vector((select name from publisher where id = published_by), 'C'), '')
        || search_prose(description);

create function set_dataset_search() returns trigger language plpgsql as $$
begin
    new.search := dataset_search(new.title, new.keywords, new.description, new.publisher_id);
    return new;
end $$;

create trigger dataset_search before insert or update of title, keywords, description, publisher_id, search on dataset
    for each row execute function set_dataset_search();

create function renew_search_of_publisher() returns trigger language plpgsql as $$
begin
    update dataset set search = '' where publisher_id = new.id;
    return null;
end $$;

create trigger publisher_search after update of name on publisher
    for each row when (old.name is distinct from new.name) execute function renew_search_of_publisher();

create function names_search(name text, place text, description text) returns tsvector
    language sql immutable parallel safe
    return search_vector(name, 'A') || search_parts(name, 'B')
        || coalesce(search_vector(place, 'B') || search_parts(place, 'C'), '') || search_prose(description);

alter table thing add column search tsvector
    generated always as (names_search(name, place, description)) stored not null;

alter table datastream add column search tsvector
    generated always as (names_search(name, direction, description)) stored not null;
"""

WORDS = r"""
CREATE TABLE dataset_word (
    dataset_id INTEGER NOT NULL,
    word TEXT COLLATE "C" NOT NULL,
    shown TEXT NOT NULL,
    CONSTRAINT pk_dataset_word PRIMARY KEY (dataset_id, word),
    CONSTRAINT fk_dataset_word_dataset_id FOREIGN KEY(dataset_id) REFERENCES dataset (id) ON DELETE CASCADE
);

comment on column dataset_word.word is 'a word of title or keywords, folded';

comment on column dataset_word.shown is 'as the dataset writes it';

CREATE INDEX ix_dataset_word_word ON dataset_word (word);

CREATE TABLE word_trigram (
    trigram TEXT COLLATE "C" NOT NULL,
    word TEXT COLLATE "C" NOT NULL,
    trigrams INTEGER NOT NULL,
    CONSTRAINT pk_word_trigram PRIMARY KEY (trigram, word)
);

comment on column word_trigram.word is 'of dataset_word';

comment on column word_trigram.trigrams is 'how many the word has';

CREATE INDEX ix_word_trigram_word ON word_trigram (word);

create function search_trigrams(word text) returns text[]
    language sql immutable strict parallel safe
begin atomic
    select array_agg(distinct substr('  ' || word || ' ', n, 3) collate "C") from generate_series(1, length(word) + 1) n;
end;

create function words_of(title text, keywords text[]) returns table (word text, shown text)
    language sql immutable parallel safe rows 20
begin atomic
    select distinct on (folded) folded, written
      from regexp_split_to_table(left(title || ' ' || array_to_string(keywords, ' '), 10000) collate "pg_c_utf8",
               '[^[:alnum:]]+') written,
           lateral (select search_words(written) as folded) fold
     where folded ~ '^[^ ]{4,40}$' and folded !~ '[0-9]'
     order by folded, written;
end;

-- a plan made while the tables were small would read them whole later on, for each row
create function renew_words_of_dataset() returns trigger language plpgsql
    set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
    words text[];
    written text[];
begin
    if tg_op = 'UPDATE' and new.title = old.title and new.keywords = old.keywords then
        return null;
    end if;
    select coalesce(array_agg(w.word), '{}'), array_agg(w.shown) into words, written
      from words_of(new.title, new.keywords) w;
    if tg_op = 'UPDATE' then
        delete from dataset_word where dataset_id = new.id and word <> all(words);
    end if;
    insert into dataset_word (dataset_id, word, shown)
    select new.id, w.word, w.shown from unnest(words, written) w (word, shown)
        on conflict (dataset_id, word) do update set shown = excluded.shown;
    insert into word_trigram (trigram, word, trigrams)
    select unnest(own), w, cardinality(own) from unnest(words) w, lateral (select search_trigrams(w) as own) made
        on conflict do nothing;
    return null;
end $$;

create trigger dataset_words after insert or update of title, keywords on dataset
    for each row execute function renew_words_of_dataset();

create function forget_words() returns trigger language plpgsql
    set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
begin
    delete from word_trigram
     where word in (select word from gone except select word from dataset_word where word in (select word from gone));
    return null;
end $$;

create trigger dataset_word_forget after delete on dataset_word
    referencing old table as gone for each statement execute function forget_words();

-- the typed words with those that nobody knows replaced by the likest ones of these datasets, best first
create function search_spellings(typed text, readable integer[]) returns setof text
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
            ) here where here.dataset_id = any(readable))
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
         where here.dataset_id = any(readable)
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

DISTANCES = r"""
-- great-circle distance on a sphere with the Earth's mean radius; longitudes in any turn
create function metres_between(longitude1 float8, latitude1 float8, longitude2 float8, latitude2 float8) returns float8
    language sql immutable strict parallel safe
    return 2 * 6371008.8 * asin(sqrt(least(1,
        sind((latitude2 - latitude1) / 2) ^ 2
        + cosd(latitude1) * cosd(latitude2) * sind((longitude2 - longitude1) / 2) ^ 2)));

-- to the nearest point of a box: one of its parallels straight north or south, or the foot on one of its meridians
create function metres_to_box(
    longitude float8, latitude float8, west float8, south float8, east float8, north float8
) returns float8
    language sql immutable strict parallel safe
    return case when longitude between west and east and latitude between south and north then 0 else least(
        case when longitude between west and east then least(
            metres_between(longitude, latitude, longitude, south), metres_between(longitude, latitude, longitude, north)) end,
        metres_between(longitude, latitude, west, greatest(south, least(north,
            atan2d(sind(latitude), cosd(latitude) * cosd(west - longitude))))),
        metres_between(longitude, latitude, east, greatest(south, least(north,
            atan2d(sind(latitude), cosd(latitude) * cosd(east - longitude)))))) end;
"""

CONVERSION = r"""
update dataset set search = '';

insert into dataset_word (dataset_id, word, shown)
select d.id, w.word, w.shown from dataset d, lateral words_of(d.title, d.keywords) w;

insert into word_trigram (trigram, word, trigrams)
select unnest(own), word, cardinality(own)
  from (select distinct word from dataset_word) w, lateral (select search_trigrams(word) as own) made;

CREATE INDEX ix_dataset_search ON dataset USING gin (search);

CREATE INDEX ix_thing_search ON thing USING gin (search);

CREATE INDEX ix_datastream_search ON datastream USING gin (search);

CREATE INDEX ix_dataset_languages ON dataset USING gin (languages);

CREATE INDEX ix_thing_latitude ON thing (latitude);

analyze dataset, thing, datastream, dataset_word, word_trigram;
"""


def upgrade() -> None:
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    for part in (FOLDING, QUERIES, VECTORS, WORDS, DISTANCES, CONVERSION):
        connection.execute(part)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup instead")
