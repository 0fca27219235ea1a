"""A server without quick connections. (open-api 7)"""

SERVER_OPTIONS = ["--http-connect-calls", 0]


def test_there_are_none(nobody, project):
    """open-api 7, 8: the limit may be 0."""
    for path in ("/api/connect/1/", "/api/connect/2/"):
        answer = nobody.request("GET", f"{path}?project={project.key}&product=p&sn=s")
        assert answer.status == 404 and answer["result"] != 0
