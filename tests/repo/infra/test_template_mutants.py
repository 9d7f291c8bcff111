"""Faults of Bicep files by rule: each kind is planted, each exception is still one; `dev prove templates` tries all."""

from dev.policies.infra.checks import CHECKS
from dev.policies.infra.template_mutants import HARMLESS, finder, is_harmless, mutants
from dev.policies.infra.templates import Templates, load

TEXT = """@description('left alone')
@minValue(1)
param days int = 7
param weeks int = 1
var names = ['one', 'two']
// a comment
resource lock 'Microsoft.Authorization/locks@2020-05-01' = if (days > 3 && !empty(names)) {
  name: days == 7 ? 'week' : 'other-${days}'
  properties: { level: 'CanNotDelete', notes: 'left alone', span: days }
}
module storage 'storage-account.bicep' = {
  name: 'left-alone'
  params: { versioning: true }
}
"""
PLANTED = (
    *("without @minValue", "2 for 1", "8 for 7", "without 'one'", "'xtwo'", "without lock", "always made"),
    *("made when it is not asked for", "<= for >", "|| for &&", "without the not", "always the first of two"),
    *("always the second of two", "!= for ==", "'xother-'", "without level", "'xCanNotDelete'", "not true"),
    *("without params", "without versioning", "without storage", "string for int", "weeks for days"),
)


def test_each_rule_plants_its_fault_and_what_is_only_read_is_left_alone() -> None:
    """A mutant that is no fault would end on a list of exceptions, and the list would hide the next one."""
    found = list(mutants(Templates({"infra/modules/x.bicep": TEXT})))
    told = [str(each) for each in found]
    assert [what for what in PLANTED if not any(f" {what} in " in each for each in told)] == []
    assert all(each.text.count("left alone") == TEXT.count("left alone") for each in found if "properties" in each.text)
    assert not any("left-alone" in each.partition(" in ")[0] for each in told)
    assert len({each.text for each in found} - {TEXT}) == len(found)


def test_each_exception_is_one_that_no_check_finds() -> None:
    """A check that finds it makes its reason a lie."""
    templates = load()
    excused = [each for each in mutants(templates) if is_harmless(each)]
    assert [
        text for path, text, _ in HARMLESS if not any(path in each.path and text in str(each) for each in excused)
    ] == []
    assert [str(each) for each in excused if finder(each, templates, CHECKS)] == []


def test_what_was_once_overlooked_is_found() -> None:
    """Of the first run by these rules: one of each kind that the checks of then did not see."""
    templates = load()
    overlooked = (
        ("storage-host.bicep", "always the first of two in 'var operatorRoles"),
        ("private-endpoints.bicep", "without groupIds"),
        ("function-app.bicep", "without type in \"type: 'blobContainer'"),
        ("seal-key.bicep", "without publicNetworkAccess"),
        ("network.bicep", "without topicLink"),
        ("main.bicep", "without 'WEBSITE_TIME_ZONE'"),
    )
    for path, what in overlooked:
        (one, *_) = [
            each
            for each in mutants(templates)
            if each.path.endswith(path) and what in str(each).replace('"var', "'var")
        ]
        assert finder(one, templates, CHECKS) is not None, str(one)
