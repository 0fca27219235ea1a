"""Applications of a soak that ask what has been, again and again, and go when they have it: a kill
ends what they had asked, and they ask anew.
"""
import json
import time

from actors import EXPIRY_S, STREAM, Actor, Fault, Gone
from lib import packets
from lib.packets import V5, Prop, Type

FOLLOW_S = 0.5  # how long they look at what comes behind the answer
PAUSE_S = (0, 2)
ASKED = 2       # a packet identifier; that of the SUBSCRIBE is 1


class Asker(Actor):
    """One request a connection: by `$open/<pk>/ctl`, or by a property of its SUBSCRIBE."""

    op = None

    def __init__(self, world, name, transport, qos, by_subscribe, is_kept, seed):
        super().__init__(world, name, V5, transport, seed)
        self.qos, self.by_subscribe, self.is_kept = qos, by_subscribe, is_kept
        self.answers = self.messages = 0

    def credentials(self):
        return self.project.key, self.project.secret

    def service(self):
        return "app_wss" if self.transport == "wss" else "app_mqtts"

    def is_done(self):
        return self.world.is_over.is_set() or self.world.is_ending.is_set()

    def filter(self):
        raise NotImplementedError

    def notice_topic(self):
        return f"$open/{self.project.key}/notice"

    def _connect_packet(self):
        props = [(Prop.SESSION_EXPIRY, EXPIRY_S)] if self.is_kept else ()
        return packets.connect(V5, self.name, *self.credentials(), clean=not self.is_kept,
                               props=props)

    def _ask(self, wire):
        key, value = ("from", "0") if self.op == "replay" else ("snapshot", "1")
        props = [(Prop.USER_PROPERTY, (key, value))] if self.by_subscribe else ()
        wire.send(packets.subscribe(V5, 1, [(self.notice_topic(), self.qos)]),
                  packets.subscribe(V5, 1, [(self.filter(), self.qos)], props))
        if not self.by_subscribe:
            request = {"op": self.op, "filter": self.filter(), "from": 0}
            wire.send(packets.publish(V5, f"$open/{self.project.key}/ctl",
                                      json.dumps(request).encode(), qos=1, pid=ASKED))

    def _receive(self, wire, packet):
        """The message that a packet is, acknowledged; None: it is none, or the same once more."""
        if isinstance(packet, packets.Publish):
            if packet.qos:
                wire.send(packets.ack(Type.PUBACK if packet.qos == 1 else Type.PUBREC, packet.pid))
            return packet
        if isinstance(packet, packets.Disconnect):
            raise Gone
        if getattr(packet, "kind", None) == Type.PUBREL:
            wire.send(packets.ack(Type.PUBCOMP, packet.pid))
        elif max(getattr(packet, "codes", (getattr(packet, "code", 0),))) >= 0x80:
            raise Fault(f"refused: {packet}")
        return None

    def _notice(self, message):
        notice = json.loads(message.payload)
        if notice["type"] == "lost":
            return None  # to retention: what comes behind it has no gap again
        if notice["type"] != f"{self.op}_end" or notice["filter"] != self.filter():
            raise Fault(f"asked for a {self.op}: {notice}")
        return notice

    def live(self, wire, connack, found):
        before, known = self.promised()
        self._ask(wire)
        answer, behind, end, until = [], [], None, None
        while until is None or time.monotonic() < until:
            for packet in found:
                message = self._receive(wire, packet)
                if message is None:
                    continue
                if message.topic == self.notice_topic():
                    if (notice := self._notice(message)) is None:
                        answer.clear()
                    else:
                        end = notice
                else:
                    (answer if end is None else behind).append(message)
            if end is not None and until is None:
                until = time.monotonic() + FOLLOW_S
            if self.world.is_over.is_set():
                raise Gone
            found = wire.poll() if until else wire.next(f"{self.op}_end")
        self.judge(answer, behind, end["seq"], before, known)
        self.answers += 1
        self.messages += len(answer)
        wire.send(packets.disconnect(0, ()))
        wire.close()
        self.world.is_over.wait(self.random.uniform(*PAUSE_S))

    def promised(self):
        """What an answer to a question of this moment must hold."""
        raise NotImplementedError

    def judge(self, answer, behind, end, before, known):
        raise NotImplementedError


class Replayer(Asker):
    """Each message that the journal has, once, in order, up to the end that the notice tells, and
    then, from there on, what is new. To a session that is kept that end is where it stands itself:
    what comes then is what it is owed, but for what it had before."""

    op = "replay"

    def __init__(self, *how):
        super().__init__(*how)
        self.had = set()  # of a session that is kept

    def _receive(self, wire, packet):
        message = super()._receive(wire, packet)
        if self.is_kept and message is not None and "seq" in message.props.user:
            self.had.add(int(message.props.user["seq"]))
        return message

    def filter(self):
        return f"open/{self.project.key}/+/data/{STREAM}"

    def promised(self):
        newest = {device.login.username: max(device.accepted, default=0)
                  for device in self.world.devices}
        return newest, [app.numbers for app in self.world.apps if app.version == V5]

    def judge(self, answer, behind, end, newest, known):
        # what is not stored yet has no number: it came before the session had changed over
        answer = [message for message in answer if "seq" in message.props.user]
        begin = last_descent(seqs_of(answer))  # before that: what came until it began
        replayed, new = answer[begin:], seqs_of(behind)
        numbers = seqs_of(replayed)
        if numbers != sorted(set(numbers)) or (numbers and numbers[-1] > end):
            raise Fault(f"replay up to {end} is out of order: {around_descent(numbers)}")
        if new != sorted(set(new)) or (new and new[0] <= end):
            raise Fault(f"behind a replay up to {end}: {around_descent(new)}")
        got, last = {*self.had, *seqs_of(answer), *new}, max(new, default=end)
        for of_app in known if numbers else ():
            missing = sorted(seq for seq in dict(of_app) if numbers[0] <= seq <= last and
                             seq not in got)
            if missing:
                raise Fault(f"replay from {numbers[0]} to {end}, and on to {last}, has no "
                            f"{missing[:10]}; connection {self.connects}, until it began "
                            f"{seqs_of(answer[:begin])[-20:]}, behind it {new[:20]}")
        self._judge_devices(replayed, {} if self.is_kept else newest)

    @staticmethod
    def _judge_devices(replayed, newest):
        devices = {}
        for message in replayed:
            devices.setdefault(message.topic.split("/")[2], set()).add(
                int(message.payload.split(b" ", 1)[0]))
        for user, number in newest.items():
            got = devices.get(user, ())
            if got and (max(got) < number or len(got) != max(got) - min(got) + 1):
                raise Fault(f"replay has {min(got)} to {max(got)} of {user}, {len(got)} messages, "
                            f"and {number} was accepted before")


class Snapshotter(Asker):
    """The state of each device, once, where its next message would be: what came before was older,
    what comes then is newer by one."""

    op = "snapshot"

    def filter(self):
        return f"open/{self.project.key}/+/attributes"

    def promised(self):
        return {device.login.username: max(device.accepted, default=0)
                for device in self.world.alarm_devices}, None

    def judge(self, answer, behind, end, newest, known):
        state, last = {}, {}
        for message in answer + behind:
            user, number = message.topic.split("/")[2], json.loads(message.payload)["n"]
            if message.retain:
                if user in state or number < newest[user] or number < last.get(user, 0):
                    raise Fault(f"snapshot of {user}: {number}, after {last.get(user)}, "
                                f"{newest[user]} was accepted")
                state[user] = number
            elif user in last and number != last[user] + 1:
                raise Fault(f"{number} of {user} comes behind {last[user]}")
            last[user] = number
        missing = [user for user, number in newest.items() if number and user not in state]
        if missing:
            raise Fault(f"snapshot has nothing of {missing}")


def seqs_of(messages):
    return [int(message.props.user["seq"]) for message in messages]


def last_descent(numbers):
    """Where the last ascending row begins."""
    return max((i for i in range(1, len(numbers)) if numbers[i] < numbers[i - 1]), default=0)


def around_descent(numbers):
    at = next((i for i in range(1, len(numbers)) if numbers[i] <= numbers[i - 1]), 0)
    return numbers[max(0, at - 5):at + 5]
