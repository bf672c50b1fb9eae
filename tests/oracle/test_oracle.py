"""The compiled road and a plain implementation give the same answers to whatever can be asked."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from policy.model import Caller
from tests.oracle.both import PLAIN
from tests.oracle.documents import Case, cases, other_variables
from tests.oracle.real import RULED_OUT
from tests.oracle.world import World
from tests.oracle.worlds import CALLERS, world_of, worlds

THOROUGH = settings.get_current_profile_name() == "thorough"
THEMED = '{ datasets(filter: { themes: ["HEAL"] }) { nodes { id } } }'


@settings(
    max_examples=settings().max_examples if THOROUGH else 200,
    deadline=None,
    report_multiple_bugs=False,
    phases=set(settings().phases) - {Phase.explain},
    derandomize=not THOROUGH,
    suppress_health_check=list(HealthCheck),
)
@given(world=worlds(), caller=CALLERS, data=st.data())
async def test_both_implementations_agree(agree, world: World, caller: Caller, data):
    case = data.draw(cases(PLAIN.schema, world))
    cursors = await agree(world, case, caller)
    for name in case.cursors:
        if cursors.get(name):
            case.variables[name] = data.draw(st.sampled_from(cursors[name]), label=f"cursor for ${name}")
            await agree(world, case, caller)
            case.variables[name] = None
    if case.declared:
        case.variables = data.draw(other_variables(case, world), label="other variables")
        await agree(world, case, caller)


async def test_summaries_have_a_say(agree):
    """What a summary rules out is compared on the way (`tests.oracle.real`): here it is seen to rule out and to let by."""
    RULED_OUT.clear()
    for seed in range(40):
        await agree(world_of(seed), Case(THEMED, {}, None, ()), Caller())
    assert RULED_OUT[True] > 5
    assert RULED_OUT[False] > 5
