"""A host that is killed with -9 in the middle of a busy minute has lost nothing that it answered."""

import os
import signal
import threading

from keys import ed25519
from keys.device import asking
from keys.device.asking import HostFailed
from keys.kms import certificate, messages
from webhooks.bench import running
from webhooks.bench.kms import _PUBLISHER, _activated, _request, _serving
from webhooks.kms_host.folder import Folder
from webhooks.kms_host.register import Register

THREADS, ENOUGH = 12, 150


def answer_of(reply):
    stated = certificate.read(reply.certificate, ed25519.public_key(_PUBLISHER), ed25519.check)
    return messages.read_answer(reply.answer, stated.public_key, ed25519.check)


def test_whoever_was_answered_stands_in_the_register(tmp_path):
    folder = Folder(tmp_path / "host")
    _activated(folder)
    answered, enough, mutex = [], threading.Event(), threading.Lock()

    def asking_on(port, first):
        for number in range(first, first + 10_000):
            request = _request(number)[0].partition(b"\r\n\r\n")[2]
            try:
                reply = asking.posted(f"127.0.0.1:{port}", request)
            except HostFailed:
                return
            with mutex:
                answered.append((number, reply))
                if len(answered) >= ENOUGH:
                    enough.set()

    with _serving(
        ("kms-host", "serve"), {**os.environ, "TOUCHTONE_KMS_FOLDER": str(folder.path)}, tmp_path / "log"
    ) as host:
        threads = [
            threading.Thread(target=asking_on, args=(host.port, 10_000 * place)) for place in range(1, THREADS + 1)
        ]
        for thread in threads:
            thread.start()
        assert enough.wait(60)
        for pid in (host.pid, *running.children(host.pid)):
            os.kill(pid, signal.SIGKILL)
        for thread in threads:
            thread.join(60)

    register = Register(folder.register)
    known = {int(one.identity, 16): one for one in register.clients()}
    register.close()
    answers = {number: answer_of(reply) for number, reply in answered}
    assert {number: (known[number].ends, known[number].refusal) for number in answers} == {
        number: (answer.ends, answer.refusal) for number, answer in answers.items()
    }
    # No count was told twice, and none that is not written down.
    counts = {answer.count for answer in answers.values()}
    assert len(counts) == len(answered) >= ENOUGH
    assert max(counts) <= len(known)
