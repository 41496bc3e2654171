"""A client of the sealed channel, written from docs/sealed-channel.md: the check that the document is enough.

    python3 sealed_channel_client.py pair CODE          credentials as JSON on stderr
    python3 sealed_channel_client.py talk CREDENTIALS   sends records, expects each content back
    python3 sealed_channel_client.py meddle CREDENTIALS sends an altered record, expects the refusal
    python3 sealed_channel_client.py several CREDENTIALS  several connections, expects what each sends back on it

The channel's bytes go over stdin and stdout. Needs the package `cryptography`.
"""

import hashlib
import hmac
import json
import os
import sys

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

DATA, END, IDLE, RENEW = 0, 1, 2, 3


def read_exactly(count):
    data = b""
    while len(data) < count:
        part = sys.stdin.buffer.read(count - len(data))
        if not part:
            raise SystemExit("the stream was cut")
        data += part
    return data


def read_frame():
    return read_exactly(int.from_bytes(read_exactly(2), "big"))


def write_frame(body):
    sys.stdout.buffer.write(len(body).to_bytes(2, "big") + body)
    sys.stdout.buffer.flush()


def nonce_bytes(counter):
    return bytes(4) + counter.to_bytes(8, "little")


def raw_public(private):
    return private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def raw_private(private):
    return private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())


def dh(private, public):
    return private.exchange(X25519PublicKey.from_public_bytes(public))


class Direction:
    """One direction's key after the handshake."""

    def __init__(self, key):
        self.key, self.counter, self.records, self.octets = key, 0, 0, 0

    def seal(self, plaintext):
        sealed = ChaCha20Poly1305(self.key).encrypt(nonce_bytes(self.counter), plaintext, b"")
        self.count(plaintext[0], len(sealed))
        return sealed

    def open(self, sealed):
        plaintext = ChaCha20Poly1305(self.key).decrypt(nonce_bytes(self.counter), sealed, b"")
        self.count(plaintext[0], len(sealed))
        return plaintext

    def count(self, kind, length):
        self.counter += 1
        self.records += 1
        self.octets += length
        if kind == RENEW or self.records >= 65536 or self.octets >= 2**30:
            self.key = ChaCha20Poly1305(self.key).encrypt(nonce_bytes(2**64 - 1), bytes(32), b"")[:32]
            self.records = self.octets = 0


class Handshake:
    """The symmetric part of Noise."""

    def __init__(self, name, prologue):
        digest = hashlib.sha256(name).digest() if len(name) > 32 else name.ljust(32, b"\0")
        self.h = self.ck = digest
        self.key, self.counter = None, 0
        self.mix_hash(prologue)

    def mix_hash(self, data):
        self.h = hashlib.sha256(self.h + data).digest()

    def hkdf(self, material, outputs):
        temporary = hmac.digest(self.ck, material, "sha256")
        out, last = [], b""
        for index in range(1, outputs + 1):
            last = hmac.digest(temporary, last + bytes([index]), "sha256")
            out.append(last)
        return out

    def mix_key(self, material):
        self.ck, self.key = self.hkdf(material, 2)
        self.counter = 0

    def mix_key_and_hash(self, material):
        self.ck, middle, key = self.hkdf(material, 3)
        self.mix_hash(middle)
        self.key, self.counter = key, 0

    def ephemeral(self, public):
        self.mix_hash(public)
        self.mix_key(public)

    def seal(self, plaintext):
        sealed = ChaCha20Poly1305(self.key).encrypt(nonce_bytes(self.counter), plaintext, self.h)
        self.counter += 1
        self.mix_hash(sealed)
        return sealed

    def open(self, sealed):
        plaintext = ChaCha20Poly1305(self.key).decrypt(nonce_bytes(self.counter), sealed, self.h)
        self.counter += 1
        self.mix_hash(sealed)
        return plaintext

    def split(self):
        return [Direction(key) for key in self.hkdf(b"", 2)]


def padded(length):
    bucket = 64
    while bucket < length and bucket < 1024:
        bucket *= 2
    if length <= bucket:
        return bucket
    exponent = length.bit_length() - 1
    step = 1 << (exponent - exponent.bit_length())
    return min(65519, -(-length // step) * step)


def record(kind, content=b""):
    head = bytes([kind]) + len(content).to_bytes(2, "big") + content
    return head.ljust(padded(len(head)), b"\0")


def content_of(plaintext):
    return plaintext[0], plaintext[3 : 3 + int.from_bytes(plaintext[1:3], "big")]


def open_known(credentials):
    static = X25519PrivateKey.from_private_bytes(bytes.fromhex(credentials["deviceSecret"]))
    server = bytes.fromhex(credentials["serverKey"])
    header = b"AICO\x01\x01"
    state = Handshake(
        b"Noise_IKpsk2_25519_ChaChaPoly_SHA256",
        b"aico sealed channel" + header + bytes.fromhex(credentials["instance"]),
    )
    state.mix_hash(server)
    e = X25519PrivateKey.generate()
    state.ephemeral(raw_public(e))
    state.mix_key(dh(e, server))
    sealed_static = state.seal(raw_public(static))
    state.mix_key(dh(static, server))
    write_frame(header + raw_public(e) + sealed_static + state.seal(b""))

    reply = read_frame()
    assert len(reply) == 48, "refused"
    state.ephemeral(reply[:32])
    state.mix_key(dh(e, reply[:32]))
    state.mix_key(dh(static, reply[:32]))
    state.mix_key_and_hash(bytes.fromhex(credentials["psk"]))
    assert state.open(reply[32:]) == b""
    return state.split()


def pair(code):
    text = "".join(code.upper().replace("-", "").split()).translate(str.maketrans("OIL", "011"))
    values = ["0123456789ABCDEFGHJKMNPQRSTVWXYZ".index(character) for character in text]
    check = 0
    for value in values[:-1]:
        check = (check ^ value) << 1
        check = check ^ 0b100101 if check & 32 else check
    assert len(values) == 24 and check == values[-1], "mistyped"
    header = b"AICO\x01\x02" + (values[0] << 10 | values[1] << 5 | values[2]).to_bytes(2, "big")
    state = Handshake(b"Noise_XXpsk3_25519_ChaChaPoly_SHA256", b"aico sealed channel" + header)
    static, e = X25519PrivateKey.generate(), X25519PrivateKey.generate()
    state.ephemeral(raw_public(e))
    write_frame(header + raw_public(e) + state.seal(b""))

    reply = read_frame()
    assert len(reply) == 112, "refused"
    remote = reply[:32]
    state.ephemeral(remote)
    state.mix_key(dh(e, remote))
    server = state.open(reply[32:80])
    state.mix_key(dh(e, server))
    instance = state.open(reply[80:])

    sealed_static = state.seal(raw_public(static))
    state.mix_key(dh(static, remote))
    state.mix_key_and_hash(hashlib.sha256(b"aico pairing code 1" + text.encode()).digest())
    request = json.dumps({"name": "a Python script", "roles": ["reader"]}).encode()
    payload = (len(request).to_bytes(2, "big") + request).ljust(1024, b"\0")
    write_frame(sealed_static + state.seal(payload))

    send, receive = state.split()
    kind, content = content_of(receive.open(read_frame()))
    grant = json.loads(content)
    assert kind == DATA and grant["instance"] == instance.hex()
    kept = {
        "deviceSecret": raw_private(static).hex(),
        "serverKey": server.hex(),
        "instance": instance.hex(),
        "psk": grant["psk"],
    }
    sys.stderr.write(json.dumps(kept))
    write_frame(send.seal(record(END)))
    assert content_of(receive.open(read_frame())) == (END, b""), "taken back"


def talk(credentials):
    send, receive = open_known(credentials)
    write_frame(send.seal(record(IDLE)))
    for round_number, size in enumerate([1, 61, 62, 125, 1021, 1022, 5000, 65516, 3, 900]):
        content = os.urandom(size)
        write_frame(send.seal(record(DATA, content)))
        frame = read_frame()
        assert len(frame) == padded(3 + size) + 16, "another bucket than the document's"
        assert content_of(receive.open(frame)) == (DATA, content)
        if round_number in (4, 7):
            write_frame(send.seal(record(RENEW)))
            assert content_of(receive.open(read_frame())) == (RENEW, b"")
    write_frame(send.seal(record(END)))
    assert content_of(receive.open(read_frame())) == (END, b"")
    sys.stderr.write("talked")


def meddle(credentials):
    send, _receive = open_known(credentials)
    sealed = bytearray(send.seal(record(DATA, b"pay 1")))
    sealed[7] ^= 1
    write_frame(bytes(sealed))
    assert read_frame() == bytes.fromhex(credentials["serverKey"])
    sys.stderr.write("refused")


class Several:
    """Several connections in one channel."""

    DATA, END, RESET, WINDOW, PING, PONG = range(6)

    def __init__(self, send, receive):
        self.send, self.receive, self.buffer = send, receive, b""
        self.windows, self.received, self.over, self.pongs = {}, {}, {}, 0
        write_frame(send.seal(record(DATA, b"\0")))

    def write(self, number, kind, payload=b""):
        frame = number.to_bytes(4, "big") + bytes([kind]) + len(payload).to_bytes(2, "big") + payload
        # The data is split at arbitrary positions, since the carrier knows nothing of records.
        for part in (frame[:5], frame[5:]):
            write_frame(self.send.seal(record(DATA, part)))

    def send_data(self, number, data):
        while data:
            window = self.windows.setdefault(number, 262144)
            if window == 0:
                self.read()
                continue
            part = data[: min(window, 50000)]
            self.windows[number] -= len(part)
            self.write(number, self.DATA, part)
            data = data[len(part) :]

    def take(self, count):
        while len(self.buffer) < count:
            kind, content = content_of(self.receive.open(read_frame()))
            assert kind == DATA
            self.buffer += content
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def read(self):
        head = self.take(7)
        number, kind = int.from_bytes(head[:4], "big"), head[4]
        payload = self.take(int.from_bytes(head[5:], "big"))
        if kind == self.DATA:
            self.received[number] = self.received.get(number, b"") + payload
            self.write(number, self.WINDOW, len(payload).to_bytes(4, "big"))
        elif kind == self.WINDOW:
            self.windows[number] += int.from_bytes(payload, "big")
        elif kind == self.PONG:
            self.pongs += 1
        else:
            self.over[number] = kind


def several(credentials):
    connections = Several(*open_known(credentials))
    sent = {1: os.urandom(600000), 3: b"short", 9: os.urandom(70000)}
    for number, data in sent.items():
        connections.send_data(number, data)
    for number in sent:
        connections.write(number, Several.END)
    connections.write(0, Several.PING)
    while len(connections.over) < len(sent) or connections.pongs < 1:
        connections.read()
    assert connections.received == sent
    assert all(kind == Several.END for kind in connections.over.values())
    connections.write(10, Several.DATA, b"never ended")
    connections.write(10, Several.RESET)
    write_frame(connections.send.seal(record(END)))
    sys.stderr.write("several")


if sys.argv[1] == "pair":
    pair(sys.argv[2])
else:
    {"talk": talk, "meddle": meddle, "several": several}[sys.argv[1]](json.loads(sys.argv[2]))
