"""What an aggregated ClusterRole holds."""

from paas.apimachinery.aggregation import held_rules


def rule(resource):
    return {"verbs": ["get"], "apiGroups": [""], "resources": [resource]}


def part(name, *resources, **labels):
    rules = [rule(one) for one in resources]
    return {"metadata": {"name": name, "labels": labels}, "rules": rules}


def whole(name, *selectors, written=(), **labels):
    role = part(name, *written, **labels)
    return {**role, "aggregationRule": {"clusterRoleSelectors": list(selectors)}}


def by(**labels):
    return {"matchLabels": labels}


def held(role, *others):
    return [one["resources"][0] for one in held_rules(role, [role, *others])]


def test_a_plain_role_holds_its_own_rules_whatever_the_others_hold():
    assert held(part("a", "pods", team="a"), part("b", "services", team="a")) == ["pods"]


def test_rules_come_by_selector_then_by_name_and_each_once():
    roles = (
        part("z", "pods", first="yes"),
        part("b", "services", "pods", second="yes"),
        part("a", "nodes", "services", second="yes"),
        part("c", "secrets"),
    )
    assert held(whole("w", by(first="yes"), by(second="yes")), *roles) == [
        "pods",
        "nodes",
        "services",
    ]


def test_what_was_written_into_an_aggregated_role_does_not_count():
    assert held(whole("w", by(team="a"), written=["secrets"])) == []


def test_a_selector_without_terms_takes_every_other_role_and_not_the_role_itself():
    assert held(whole("w", {}, written=["secrets"]), part("a", "pods")) == ["pods"]


def test_a_chain_is_followed_to_its_end():
    view = whole("view", by(to="view"), to="edit")
    edit = whole("edit", by(to="edit"), to="admin")
    admin = whole("admin", by(to="admin"))
    parts = (part("a", "pods", to="view"), part("b", "services", to="edit"))
    assert held(admin, view, edit, *parts) == ["services", "pods"]
    assert held(view, admin, edit, *parts) == ["pods"]


def test_in_a_circle_nothing_stays_that_no_role_gives_any_more():
    one = whole("one", by(to="one"), written=["secrets"], to="two")
    two = whole("two", by(to="two"), written=["secrets"], to="one")
    assert held(one, two, part("a", "pods", to="two")) == ["pods"]
    assert held(two, one, part("a", "pods", to="two")) == ["pods"]
