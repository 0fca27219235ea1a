"""Who calls: `nobody`, the operators `admin` and `viewer`, `app` (an application of `project`)."""
import pytest

from lib.http import Api


@pytest.fixture
def nobody(server):
    api = Api(server)
    yield api
    api.close()


@pytest.fixture(scope="module")
def admin(server):
    api = Api(server).set_up()
    yield api
    api.close()


@pytest.fixture(scope="module")
def viewer(server, admin):
    admin.post("/api/v1/operators",
               {"username": "viewer", "password": "only to look", "role": "viewer"})
    api = Api(server).operator("viewer", "only to look")
    yield api
    api.close()


@pytest.fixture
def app(server, project):
    api = Api(server).application(project)
    yield api
    api.close()
