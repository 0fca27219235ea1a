"""How many subscriptions a session may have."""
from lib.cases import versions

SERVER_OPTIONS = ["--max-subscriptions", 3]


@versions
def test_at_most(net, version):
    """open-api 8: the one too many is refused; replacing and freeing go on."""
    app = net.app(version)
    texts = [net.project.device().open("attributes") for _ in range(5)]
    assert app.subscribe(*texts[:3]).codes == (1, 1, 1)
    assert app.subscribe(texts[3]).codes[0] >= 0x80
    assert app.subscribe(texts[0], qos=2).codes == (2,)
    app.unsubscribe(texts[1])
    assert app.subscribe(texts[3]).codes == (1,)
    assert app.subscribe(texts[4]).codes[0] >= 0x80
