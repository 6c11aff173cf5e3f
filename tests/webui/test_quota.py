from tests.webui.conftest import PLATFORM

QUOTA = "/projects/shop/quota"


def hard(cluster):
    return cluster.get(PLATFORM, "resourcequotas", "project-quota", "shop")["spec"]["hard"]


def test_the_administrator_of_the_platform_changes_the_bounds(ann, administrator, cluster):
    given = {**hard(cluster), "pods": "7", "limits.memory": ""}

    answer = administrator.post(QUOTA, given)

    assert answer["Location"] == QUOTA
    assert hard(cluster)["pods"] == "7"
    assert "limits.memory" not in hard(cluster)


def test_a_bound_that_is_no_amount_is_asked_for_again(ann, administrator, cluster):
    answer = administrator.post(QUOTA, {**hard(cluster), "pods": "many"})

    assert answer.status_code == 422
    assert "is not an amount" in answer.content.decode()
    assert hard(cluster)["pods"] == "50"


def test_who_may_not_change_them_sees_them_without_the_form(ann):
    page = ann.get(QUOTA).content.decode()

    assert "of 50" in page
    assert "Only the administrator of the platform" in page
